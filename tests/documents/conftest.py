"""One finished run by the README's own config, on which the snippets of all documents run."""

import re
from pathlib import Path

import pytest

from tests.support.commands import dalle
from tests.support.documents import readmes_config
from tests.support.small_web import write_small_web

SHORT = "steps: 2, batch_size: 4"  # snippets need a finished prior, and no good one


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder with that config, an archive, and the run `runs/my-run` made of both.

    Names are the one thing that a test cannot have of the live web: they are answered from the
    archive. The prior is trained as briefly as can be, since a machine may take seconds for a step.
    """
    root = tmp_path_factory.mktemp("documents")
    write_small_web(root / "pages.warc.gz", num_pages=1)
    replay = "replay: {archive: pages.warc.gz, hosts: .demo.test}\n"
    config, num_shortened = re.subn(r"\bsteps: \d+", SHORT, readmes_config())
    assert num_shortened == 1
    (root / "dalle.yaml").write_text(config + replay)
    return root


@pytest.fixture(scope="session")
def printed(folder) -> str:
    """What the README's command prints."""
    return dalle("run", "--config", "dalle.yaml", "--dir", "runs/my-run", cwd=folder).stdout


@pytest.fixture
def in_run(folder, printed, monkeypatch) -> Path:
    """The working directory is the folder of the finished run."""
    monkeypatch.chdir(folder)
    return folder

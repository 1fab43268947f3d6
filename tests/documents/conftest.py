"""One finished run by the README's own config, on which the snippets of all documents run."""

from pathlib import Path

import pytest

from tests.support.commands import dalle
from tests.support.documents import readmes_config
from tests.support.small_web import write_small_web


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """A folder with that config, an archive, and the run `runs/my-run` made of both.

    Names are the one thing that a test cannot have of the live web: they are answered from the
    archive.
    """
    root = tmp_path_factory.mktemp("documents")
    write_small_web(root / "pages.warc.gz", num_pages=1)
    replay = "replay: {archive: pages.warc.gz, hosts: .demo.test}\n"
    (root / "dalle.yaml").write_text(readmes_config() + replay)
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

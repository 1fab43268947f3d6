"""The installed wheel, outside of any clone, with each set of extras."""

import re
import textwrap
from pathlib import Path

import pytest
from PIL import Image

from tests.support.environments import Environment

CAPTIONS = ("a red apple on a wooden table", "two boats in the old harbour at sunset")
CONFIG = """
name: tiny
num_shards: 1
crawl:
  sources:
    - {path: images/}
captions: {recipe: dalle}
"""


@pytest.fixture(scope="module")
def nothing(install) -> Environment:
    return install()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A working directory with a config, and images with their captions."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "images").mkdir()
    for number, caption in enumerate(CAPTIONS):
        Image.new("RGB", (80, 80), (90 * number, 60, 30)).save(folder / f"images/{number}.png")
        (folder / f"images/{number}.txt").write_text(caption)
    (folder / "dalle.yaml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def data(install) -> Environment:
    return install("data")


@pytest.fixture(scope="module")
def run(data, folder) -> Path:
    """The directory of a run of `crawl` and `captions` with Beam and without torch."""
    assert "No module named 'torch'" in data.python("-c", "import torch", cwd=folder).stderr
    result = data.dalle("run", "crawl", "captions", "--dir", "run", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / "run"


def test_the_command_line_and_shards_need_no_extra(nothing, folder):
    assert "Commands:" in nothing.dalle("--help", cwd=folder).stdout
    result = nothing.python("-c", "import dalle_model.shards", cwd=folder)
    assert result.returncode == 0, result.stderr


def test_captions_are_made_without_torch_and_verified_without_beam(run, nothing):
    assert (run / "captions" / "part-00000-of-00001.parquet").exists()
    result = nothing.dalle("verify", "--dir", run, cwd=run)
    assert result.returncode == 0, result.stderr
    assert "captions       1 files  ok" in result.stdout


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("run",), "data"),
        (("sample", "a dog", "--dir", "run"), "model"),
        (("verify", "--dir", "s3://bucket/run"), "s3"),
    ],
)
def test_what_is_missing_is_said_with_the_command_that_installs_it(nothing, folder, command, extra):
    result = nothing.dalle(*command, cwd=folder)
    assert result.returncode == 1
    assert re.fullmatch(
        rf"dalle: \S+ is not installed: this command needs the extra `{extra}`; "
        rf"run `pip install 'dalle\[{extra}\]'`\n",
        result.stderr,
    )


def test_images_are_not_decoded_by_the_pillow_that_beam_asks_for(run, data, tmp_path):
    """An older Pillow's metadata stands before the installed one's."""
    (tmp_path / "pillow-12.3.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.4\nName: pillow\nVersion: 12.3.0\n"
    (tmp_path / "pillow-12.3.0.dist-info" / "METADATA").write_text(metadata)
    older = Environment((tmp_path, *data.path))
    result = older.dalle("run", "fetch", "images", "--dir", "run", cwd=run.parent)
    assert result.returncode == 1
    assert "run `pip install 'pillow>=13'`" in result.stderr
    assert not list(run.glob("images/part-*"))


def test_the_demo_says_that_it_needs_a_clone(nothing, folder):
    result = nothing.dalle("demo", cwd=folder)
    assert result.returncode == 2
    assert "clone the repository and run `make demo` there" in result.stderr


def test_all_models_load_without_beam(install, folder):
    script = """
        import importlib, pkgutil, sys, dalle_model
        for module in pkgutil.walk_packages(dalle_model.__path__, "dalle_model."):
            importlib.import_module(module.name)
        assert "torch" in sys.modules and "apache_beam" not in sys.modules
        """
    result = install("model").python("-c", textwrap.dedent(script), cwd=folder)
    assert result.returncode == 0, result.stderr

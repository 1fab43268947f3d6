"""What is in the wheel, and what it asks pip for."""

import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.support.environments import requested

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"dalle", "dalle_model", "orchestration", "pipelines"}
DATA = {
    "dalle_model/weights/demo_clip.safetensors",
    "dalle_model/weights/drawn_clip.safetensors",
    "dalle_model/weights/demo_vq.safetensors",
    "orchestration/beam/profiles/flink.yaml",
    "orchestration/human_study/page/study.html",
    "orchestration/report/templates/report.html",
    "pipelines/recipes/conceptual_captions.yaml",
    "pipelines/text/boilerplate.txt",
    "pipelines/text/entities/entities.tsv.gz",
    "pipelines/text/entities/names.tsv.gz",
    "pipelines/text/tagging/perceptron.npz",
}


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    """Paths in the wheel, without its own metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def requirements(metadata, *extras: str) -> dict[str, Requirement]:
    """By name, those of these extras and of none."""
    return {one.name: one for one in requested(metadata.get_all("Requires-Dist"), extras)}


def test_it_holds_the_packages_and_neither_makers_nor_tests(names):
    packages = {name.partition("/")[0] for name in names}
    assert {"dalle_model", "orchestration", "pipelines"} <= packages <= PACKAGES
    assert [name for name in names if "__pycache__" in name] == []


def test_it_holds_every_file_of_the_packages(names):
    """Documents may stay behind; a module, a word list or a template may not."""
    files = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md"
    }
    assert files >= DATA
    assert {name for name in names if not name.endswith(".md")} == files


def test_its_types_are_read(names):
    packages = {name.partition("/")[0] for name in names}
    assert {f"{package}/py.typed" for package in packages} <= names


def test_it_says_which_licences_hold(wheel):
    with zipfile.ZipFile(wheel) as archive:
        licences = {name.partition("/licenses/")[2] for name in archive.namelist()} - {""}
    assert licences == {"LICENSE", "pipelines/text/tagging/perceptron.LICENSE"}


def test_its_extras(metadata):
    extras = metadata.get_all("Provides-Extra")
    assert set(extras) == {
        "all",
        "clip",
        "data",
        "dev",
        "gcp",
        "gcs",
        "img2dataset",
        "model",
        "quality",
        "s3",
        "spacy",
    }
    everything = requirements(metadata, "all")["dalle"]
    assert everything.extras == {"clip", "data", "model", "quality", "s3"}


def test_neither_half_asks_for_the_other(metadata):
    assert not {"apache-beam", "torch"} & set(requirements(metadata))
    assert "torch" not in requirements(metadata, "data")
    assert "apache-beam" not in requirements(metadata, "model")


def test_what_it_asks_for_can_be_installed_beside_beam(metadata):
    """Beam caps what it uses; `overrides.txt` is for `make` alone, and pip reads none."""
    ours = requirements(metadata, "data", "model")
    beams = {one.name: one for one in requested(requires("apache-beam") or (), ())}
    shared = sorted(ours.keys() & beams.keys())
    assert {"numpy", "pillow", "pyarrow"} <= set(shared)
    assert [n for n in shared if not can_both_hold(ours[n].specifier, beams[n].specifier)] == []


def can_both_hold(one: SpecifierSet, other: SpecifierSet) -> bool:
    """Whether a version satisfies both: one that a bound names, or the next above it."""
    both = one & other
    named = {specifier.version for specifier in both if "*" not in specifier.version}
    candidates = named | {f"{version}.1" for version in named}
    return not named or any(both.contains(version) for version in candidates)


def test_bounds_that_exclude_each_other_are_seen():
    assert not can_both_hold(SpecifierSet(">=13"), SpecifierSet(">=12.1.1,<13"))
    assert can_both_hold(SpecifierSet(">=12.1.1"), SpecifierSet(">=12.1.1,<13"))
    assert can_both_hold(SpecifierSet(">12"), SpecifierSet("<13"))

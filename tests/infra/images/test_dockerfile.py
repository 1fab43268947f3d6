"""The image, as far as it can be judged without Docker."""

import re
import subprocess
import tomllib

import pytest
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from tests.support.dockerfile import Instruction, copied, floating, of, read
from tests.support.documents import ROOT
from tools.images.lock import read_pins

IMAGES = ROOT / "infra" / "images"
DOCKERFILE = read(IMAGES / "Dockerfile")
LOCKS = (ROOT / "requirements.txt", IMAGES / "requirements-gcp.txt")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {pin.name: pin for lock in LOCKS for pin in read_pins(lock.read_text())}
RUNS = of(DOCKERFILE, "RUN")
SECRET = re.compile(r"(?i)password|passwd|secret|token|api_?key|credential|private_key")


def test_bases_are_given_by_digest_alone():
    assert floating(DOCKERFILE) == []
    assert len(of(DOCKERFILE, "FROM")) == 4


@pytest.mark.parametrize(
    "lines",
    [
        "FROM python:3.11",
        "FROM python:latest AS base",
        "ARG TAG=3.11\nFROM python:${TAG}",
        "ARG DIGEST=sha256:0\nFROM python@${DIGEST}",  # a default is a digest that nobody looked up
        "FROM python@${DIGEST}",
    ],
)
def test_a_base_that_could_change_is_found(tmp_path, lines):
    (tmp_path / "Dockerfile").write_text(lines)
    assert floating(read(tmp_path / "Dockerfile"))


def test_a_base_by_its_digest_and_an_earlier_stage_are_accepted(tmp_path):
    digest = "sha256:" + "0" * 64
    (tmp_path / "Dockerfile").write_text(f"FROM python@{digest} AS base\nFROM base\n")
    assert floating(read(tmp_path / "Dockerfile")) == []


def test_what_is_copied_is_in_the_repository():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(copied(DOCKERFILE)) > 8
    for source in copied(DOCKERFILE):
        assert any(name == source or name.startswith(f"{source}/") for name in tracked), source


def test_what_is_copied_is_what_the_builder_is_sent():
    lines = (IMAGES / "Dockerfile.dockerignore").read_text().splitlines()
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied(DOCKERFILE))
    assert "*" in lines


def test_what_is_copied_between_stages_comes_from_one_that_is_there():
    stages = {i.words()[2] for i in of(DOCKERFILE, "FROM") if len(i.words()) > 2}
    copies = " ".join(i.rest for i in of(DOCKERFILE, "COPY"))
    assert set(re.findall(r"--from=(\w+)", copies)) == stages


def test_the_packages_of_the_wheel_are_those_that_are_copied():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= set(copied(DOCKERFILE))
    assert {project["project"]["readme"], *project["project"]["license-files"][:1]} <= set(
        copied(DOCKERFILE)
    )


def test_every_package_has_a_hash_and_nothing_is_resolved():
    assert [pin.name for pin in PINS.values() if not pin.hashes] == []
    installs = re.findall(r"pip install ([^&]+)", " && ".join(i.rest for i in RUNS))
    assert len(installs) == 3
    assert all("--no-deps" in install for install in installs)
    assert all("--require-hashes" in i for i in installs if "-r " in i)


def test_no_layer_installs_by_name_or_from_the_web():
    for run in RUNS:
        assert not re.search(r"\b(curl|wget|git|apt|apt-get|sudo)\b", run.rest)
    assert of(DOCKERFILE, "ADD") == []


def test_beam_and_python_are_those_of_the_lock_and_of_the_project():
    (beam,) = (i.words()[0] for i in of(DOCKERFILE, "FROM") if "apache/beam" in i.rest)
    named = re.match(r"apache/beam_python([\d.]+)_sdk:([\d.]+)@", beam)
    assert named
    python, version = named.groups()
    assert version == PINS["apache-beam"].version
    assert Version(f"{python}.0") in SpecifierSet(PROJECT["requires-python"])
    bases = [i.words()[0] for i in of(DOCKERFILE, "FROM") if i.rest.startswith("python:")]
    assert {base.partition("-")[0] for base in bases} == {f"python:{python}"}
    assert f"python{python.replace('.', '')}-template-launcher-base" in str(of(DOCKERFILE, "FROM"))


def test_what_google_needs_is_pinned_for_the_same_beam():
    asked = PROJECT["optional-dependencies"]["gcp"]
    assert asked == [f"apache-beam[gcp]=={PINS['apache-beam'].version}", "gcsfs"]
    assert {"gcsfs", "google-apitools", "google-cloud-storage"} <= PINS.keys()
    lock, added = (read_pins(path.read_text()) for path in LOCKS)
    always = {pin.name for pin in lock if not pin.marker}
    assert always & {pin.name for pin in added} == set()


def test_pillow_is_one_that_may_decode_what_strangers_send():
    assert Version(PINS["pillow"].version) >= Version("13")


def test_workers_have_no_rights_and_start_by_beams_boot():
    last = max(i for i, one in enumerate(DOCKERFILE) if one.word == "FROM")
    final = DOCKERFILE[last:]
    (user,) = of(final, "USER")
    assert int(user.rest) >= 1000
    assert f"useradd --uid {user.rest} " in of(final, "RUN")[-1].rest
    assert of(final, "ENTRYPOINT") == [Instruction("ENTRYPOINT", '["/opt/apache/beam/boot"]')]
    assert final.index(user) > final.index(of(final, "RUN")[-1])


def test_no_secret_is_built_in():
    settings = [*of(DOCKERFILE, "ENV"), *of(DOCKERFILE, "ARG"), *of(DOCKERFILE, "LABEL")]
    assert [i for i in settings if SECRET.search(i.rest)] == []


def test_the_launcher_is_where_the_template_looks_for_it():
    (environment,) = (i.rest for i in of(DOCKERFILE, "ENV") if "FLEX_TEMPLATE" in i.rest)
    (path,) = re.findall(r"FLEX_TEMPLATE_PYTHON_PY_FILE=(\S+)", environment)
    assert Instruction("COPY", f"infra/dataflow/launch.py {path}") in DOCKERFILE


def test_the_makefile_gives_every_digest_that_the_build_asks_for():
    asked = {i.rest for i in of(DOCKERFILE, "ARG") if "=" not in i.rest}
    asked |= {"TORCH_CPU_SHA256"}
    makefile = (ROOT / "Makefile").read_text()
    assert {name for name in asked if f"--build-arg {name}" in makefile} == asked
    assert {name for name in asked if f"{name}=" in makefile} == asked

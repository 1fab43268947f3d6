"""hadolint finds nothing in the Dockerfile; `make test-dataflow` installs and collects it."""

import shutil
import subprocess

from tests.support.documents import ROOT


def lint(path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("hadolint")
    assert program, "hadolint is not on the path; run `make test-dataflow`"
    return subprocess.run([program, "--no-color", str(path)], capture_output=True, text=True)


def test_the_dockerfile_is_clean():
    found = lint(ROOT / "infra" / "images" / "Dockerfile")
    assert (found.returncode, found.stdout) == (0, "")


def test_a_planted_fault_is_found(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && sudo true\n")
    assert lint(tmp_path / "Dockerfile").returncode == 1

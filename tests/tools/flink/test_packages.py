"""What the cluster is made of is what was pinned, and what is missing is named with its mend."""

import hashlib
import stat

import pytest

from tools.flink import packages
from tools.flink.packages import (
    ARTIFACTS,
    PackageError,
    check_artifacts,
    check_module,
    check_programs,
    install_prism,
)
from tools.flink.versions import versions


def program(folder, name: str, says: str = "") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with no programs but those that a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_programs_that_are_missing_are_named_with_their_packages(machine):
    program(machine, "unshare")
    with pytest.raises(PackageError) as caught:
        check_programs()
    assert "needs java, mvn, nsenter" in str(caught.value)
    assert "`apt-get install maven openjdk-17-jdk-headless util-linux`" in str(caught.value)


@pytest.mark.parametrize("says", ['openjdk version "11.0.2" 2019', 'java version "1.8.0"', "none"])
def test_an_older_java_is_refused(machine, says):
    for name in packages.PROGRAMS:
        program(machine, name, says)
    with pytest.raises(PackageError, match="needs Java 17 or later"):
        check_programs()


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'version "21" 2023'])
def test_a_newer_java_is_taken(machine, says):
    for name in packages.PROGRAMS:
        program(machine, name, says)
    check_programs()


def test_nothing_is_downloaded_onto_a_machine_that_lacks_a_program(machine, tmp_path):
    with pytest.raises(PackageError):
        packages.install(tmp_path / "packages")
    assert not (tmp_path / "packages").exists()


def jars(folder, **contents: bytes) -> str:
    lines = []
    for name, content in contents.items():
        (folder / f"{name}.jar").write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {name}.jar\n")
    return "".join(lines)


def test_jars_as_pinned_pass(tmp_path):
    check_artifacts(tmp_path, jars(tmp_path, beam=b"1", flink=b"2"))


@pytest.mark.parametrize("change", ["other bytes", "one more", "one less"])
def test_jars_that_are_not_those_pinned_are_named(tmp_path, change):
    pinned = jars(tmp_path, beam=b"1", flink=b"2")
    if change == "one less":
        (tmp_path / "beam.jar").unlink()
    else:
        (tmp_path / ("beam.jar" if change == "other bytes" else "odd.jar")).write_bytes(b"3")
    with pytest.raises(PackageError, match=r"1 jars .*(beam|odd)\.jar"):
        check_artifacts(tmp_path, pinned)


def test_the_pinned_list_holds_the_job_server_and_no_snapshot():
    names = [line.split()[1] for line in ARTIFACTS.read_text().splitlines()]
    assert "beam-runners-flink-1.19-2.62.0.jar" in names
    assert [name for name in names if "SNAPSHOT" in name] == []


def test_prism_is_taken_as_it_was_built_and_else_needs_go(machine, tmp_path):
    with pytest.raises(PackageError, match=r"Prism needs go, .* `apt-get install golang-go`"):
        install_prism(tmp_path / "packages")
    assert not (tmp_path / "packages").exists()
    built = tmp_path / f"prism-{versions()['prism']['version']}"
    built.touch()
    assert install_prism(tmp_path) == built


GO_SAYS = """\
prism: go1.26.8
\tpath\tgithub.com/apache/beam/sdks/v2/go/cmd/prism
\tmod\tgithub.com/apache/beam/sdks/v2\tv2.77.0\th1:ours=
\tdep\tcel.dev/expr\tv0.25.2\th1:other=
"""


def test_a_program_of_the_pinned_module_is_taken():
    check_module(GO_SAYS, "ours=")


@pytest.mark.parametrize("said", [GO_SAYS.replace("ours=", "theirs="), "prism: not a Go program"])
def test_a_program_of_another_module_is_refused(said):
    with pytest.raises(PackageError, match="pins ours="):
        check_module(said, "ours=")


def test_a_build_that_gives_another_module_leaves_nothing(machine, tmp_path):
    program(machine, "go", "no module")
    with pytest.raises(PackageError, match="hash None"):
        install_prism(tmp_path / "packages")
    assert list((tmp_path / "packages").iterdir()) == []

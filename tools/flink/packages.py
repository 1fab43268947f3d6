"""The packages of the local cluster, and Prism: downloaded by ordinary clients, checked by hash."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dalle_model.errors import DalleError
from tools.flink.versions import INFRA, versions

POM, ARTIFACTS = INFRA / "job-server" / "pom.xml", INFRA / "job-server" / "artifacts.sha256"
DOWNLOAD_S = 1800  # chosen: 500 MB at 300 kB a second
# What a cluster for Beam runs on; tables, CEP and the readers of Flink's own connectors are not.
JARS = re.compile(r"deps/(lib/(flink-dist|log4j)-|bin/).*\.jar$")
PROGRAMS = {
    "java": "openjdk-17-jdk-headless",
    "mvn": "maven",
    "unshare": "util-linux",
    "nsenter": "util-linux",
}  # by the package of Debian that has it
GO = {"go": "golang-go"}
PRISM = "github.com/apache/beam/sdks/v2/go/cmd/prism"


class PackageError(DalleError):
    """A program is missing, a download has failed, or a file is not the one that was pinned."""


@dataclass(frozen=True)
class Packages:
    """What the cluster is started from.

    Args:
        flink: folder with `lib/` and `bin/` of Flink.
        job_server: Beam's job server, one jar.
    """

    flink: Path
    job_server: Path


def install(folder: Path) -> Packages:
    """Download what is missing in a folder; with all of it there, no network is needed.

    Raises:
        PackageError: a program is missing, a download has failed, or has another hash.
    """
    check_programs()
    folder.mkdir(parents=True, exist_ok=True)
    pinned = versions()
    identity = hashlib.sha256(POM.read_bytes() + ARTIFACTS.read_bytes()).hexdigest()[:12]
    server = folder / f"job-server-{pinned['beam']['job_server']}-{identity}.jar"
    flink = folder / f"flink-{pinned['flink']['version']}"
    if not flink.is_dir():
        _install_flink(flink, pinned["flink"]["version"], pinned["flink"]["sha256"])
    if not server.is_file():
        _build_job_server(server, pinned["beam"]["job_server"])
    return Packages(flink, server)


def check_programs() -> None:
    """Refuse a machine that lacks a program, or has an older Java.

    Raises:
        PackageError: names all that are missing, and the command that installs them.
    """
    _refuse_missing(PROGRAMS, "the Flink cluster")
    wanted, said = versions()["java"]["release"], _output(["java", "-version"])
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) < wanted:
        raise PackageError(
            f"Flink needs Java {wanted} or later, and `java -version` says {said.strip()[:80]!r}; "
            f"run `apt-get install {PROGRAMS['java']}`"
        )


def install_prism(folder: Path) -> Path:
    """Build Beam's Prism if a folder lacks it; with it there, no Go and no network is needed.

    Returns:
        The program.

    Raises:
        PackageError: Go is missing, the build has failed, or was of another module.
    """
    pinned = versions()["prism"]
    program = folder / f"prism-{pinned['version']}"
    if not program.is_file():
        _refuse_missing(GO, "Prism")
        folder.mkdir(parents=True, exist_ok=True)
        _build_prism(program, pinned["version"], pinned["h1"])
    return program


def _refuse_missing(programs: Mapping[str, str], what: str) -> None:
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        packages = " ".join(sorted({programs[name] for name in missing}))
        raise PackageError(
            f"{what} needs {', '.join(missing)}, which this machine lacks; "
            f"run `apt-get install {packages}`"
        )


def _build_prism(target: Path, version: str, h1: str) -> None:
    """Go compares all that the module names with its public list of checksums."""
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        _run(["go", "install", f"{PRISM}@v{version}"], GOBIN=temporary)
        built = Path(temporary) / "prism"
        check_module(_output(["go", "version", "-m", str(built)]), h1)
        built.rename(target)


def check_module(said: str, h1: str) -> None:
    """Compare the module that a Go program was built of, as `go version -m` tells it.

    Raises:
        PackageError: it has another hash.
    """
    found = re.search(r"^\s*mod\s.*\sh1:(\S+)", said, re.MULTILINE)
    if found is None or found[1] != h1:
        raise PackageError(
            f"Prism was built of a module with the hash {found[1] if found else None}, and "
            f"versions.toml pins {h1}; another version needs a new hash, a changed one an answer"
        )


def _install_flink(target: Path, version: str, sha256: str) -> None:
    """Unpack the jars of the source distribution; none of its code is run but to read its name."""
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        work = Path(temporary)
        pinned = work / "requirements.txt"
        pinned.write_text(f"apache-flink-libraries=={version} --hash=sha256:{sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        _run([*pip, "--no-binary=:all:", "--dest", str(work), "--requirement", str(pinned)])
        with tarfile.open(next(work.glob("*.tar.gz"))) as archive:
            for member in archive:
                if JARS.search(member.name):
                    member.name = member.name.partition("deps/")[2]
                    archive.extract(member, work / "flink", filter="data")
        (work / "flink").rename(target)


def _build_job_server(target: Path, version: str) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        work = Path(temporary)
        shutil.copy(POM, work)
        maven = ["mvn", "--quiet", "--batch-mode", "--file", str(work / "pom.xml")]
        maven.append(f"-Dbeam.job_server={version}")
        jars = work / "jars"
        copy = ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        _run([*maven, *copy, f"-DoutputDirectory={jars}"])
        check_artifacts(jars, ARTIFACTS.read_text())
        _run([*maven, "jar:jar", "shade:shade"])
        (work / "target" / "flink-job-server-1.jar").rename(target)


def check_artifacts(folder: Path, pinned: str) -> None:
    """Compare all jars of a folder with the pinned list, lines as `sha256sum` writes them.

    Raises:
        PackageError: a jar is missing, was not pinned, or has another hash.
    """
    wanted = {name: sha256 for sha256, name in (line.split() for line in pinned.splitlines())}
    found = {path.name: hash_of(path) for path in folder.glob("*.jar")}
    others = sorted(n for n in wanted | found if wanted.get(n) != found.get(n))
    if others:
        raise PackageError(
            f"{len(others)} jars of the job server are not those in {ARTIFACTS.name}: "
            f"{', '.join(others[:3])}; a changed pom.xml needs a new list, a changed jar an answer"
        )


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _run(command: list[str], **variables: str) -> None:
    result = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_S,
        env=os.environ | variables,
    )
    if result.returncode != 0:
        said = (result.stdout + result.stderr).strip()
        raise PackageError(
            f"`{' '.join(command[:4])} …` ended with {result.returncode}: {said[-600:]}"
        )


def _output(command: list[str]) -> str:
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return result.stdout + result.stderr

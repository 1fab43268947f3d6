"""Check a run against its manifests: every file whole, no file too many, one checksum for all."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.config import load_run_config
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, digest_of, read_manifest


class VerificationError(DalleError):
    """A run's files are not what its manifests say."""


@dataclass(frozen=True)
class Verification:
    """A run that is whole.

    Args:
        num_files: of each finished stage, shards of rows kept or files of a model.
        sha256: of the whole run; equal runs have equal ones.
    """

    num_files: dict[str, int]
    sha256: str


def verify_run(root: str) -> Verification:
    """Check every file against its manifest.

    Raises:
        VerificationError: a file is corrupt, missing or too many; names each.
        NoRunError: the directory holds no run.
    """
    manifests = list(finished_stages(root)) if files.exists(root) else []
    if not manifests:
        load_run_config(root)  # raises where this is no run
        raise VerificationError(f"no finished stage in {root}; `dalle run` makes one")
    problems = [problem for manifest in manifests for problem in _problems(root, manifest)]
    if problems:
        raise VerificationError(
            "\n".join(problems) + "\ndelete the manifest of that stage and give `dalle run` again"
        )
    num_files = {manifest.stage: len(manifest.files) for manifest in manifests}
    return Verification(num_files, run_checksum(root))


def run_checksum(root: str) -> str:
    """SHA-256 over the name and content of every file that a comparison reads."""
    entries = []
    for manifest in finished_stages(root):
        folder = RunFolder(root).stage(manifest.stage)
        urls = {name: folder.file(name) for name in folder.output_names()}
        urls[posixpath.basename(folder.manifest)] = folder.manifest
        for name, url in sorted(urls.items()):
            entries.append([manifest.stage, name, files.sha256(files.read_bytes(url))])
    return digest_of(entries)


def finished_stages(root: str) -> Iterator[Manifest]:
    """The manifests in a run directory, by name of the stage."""
    run = RunFolder(root)
    manifests = (read_manifest(run.stage(name)) for name in run.stage_names())
    return (manifest for manifest in manifests if manifest is not None)


def _problems(root: str, manifest: Manifest) -> list[str]:
    folder = RunFolder(root).stage(manifest.stage)
    expected = {e["name"]: e["sha256"] for e in manifest.files + manifest.rejected_files}
    found = set(folder.output_names())
    problems = [f"{folder.file(name)} is missing" for name in sorted(expected.keys() - found)]
    problems += [
        f"{folder.file(name)} is in no manifest" for name in sorted(found - expected.keys())
    ]
    for name in sorted(found & expected.keys()):
        if files.sha256(files.read_bytes(folder.file(name))) != expected[name]:
            problems.append(
                f"{folder.file(name)} is corrupt: its SHA-256 is not that of the manifest"
            )
    return problems

"""Check a run against its manifests: every file whole, no file too many, one checksum for all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.errors import DalleError
from dalle_model.shards import HIDDEN_PREFIXES, SUFFIX
from orchestration.engine.config import load_run_config
from orchestration.engine.registry import registry
from pipelines.io.cleaned import is_freed
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.manifest_groups import ManifestError, digest_of

READERS = 4  # files read at once; chosen: from a store each is held whole, and may be large


class VerificationError(DalleError):
    """A run's files are not what its manifests say."""


@dataclass(frozen=True)
class Verification:
    """A run that is whole.

    Args:
        num_files: of each finished stage, shards of rows kept or files of a model.
        sha256: of the whole run; equal runs have equal ones.
        foreign: URLs of files and folders that are not of the run, and that nothing reads.
        freed: stages whose rows were freed: of these the dropped rows alone are there.
    """

    num_files: dict[str, int]
    sha256: str
    foreign: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()


def verify_run(root: str) -> Verification:
    """Check every file against its manifest.

    Raises:
        VerificationError: a file is corrupt, missing, or too many where it would be read as data,
            or a manifest is damaged; names each.
        NoRunError: the directory holds no run.
    """
    is_there = files.exists(root)
    manifests = list(finished_stages(root)) if is_there else []
    problems = list(_damaged(root)) if is_there else []
    for manifest in manifests:
        try:
            problems += _problems(RunFolder(root).stage(manifest.stage), manifest)
        except ManifestError as error:
            problems.append(str(error))
    if problems:
        raise VerificationError(
            "\n".join(problems) + "\ndelete the manifest of that stage and give `dalle run` again"
        )
    if not manifests:
        load_run_config(root)
        raise VerificationError(f"no finished stage in {root}; `dalle run` makes one")
    freed = [m.stage for m in manifests if is_freed(RunFolder(root).stage(m.stage))]
    num_files = {m.stage: 0 if m.stage in freed else len(m.files) for m in manifests}
    sha256, foreign = _checksum(root, manifests), _foreign(root, manifests)
    return Verification(num_files, sha256, tuple(foreign), tuple(freed))


def run_checksum(root: str) -> str:
    """SHA-256 over the name and content of every file that a comparison reads.

    Raises:
        VerificationError: as `verify_run`.
    """
    return verify_run(root).sha256


def _checksum(root: str, manifests: Iterable[Manifest]) -> str:
    """The checksum of a run whose files are what its manifests say: they need not be read again."""
    entries = []
    for manifest in manifests:
        url = RunFolder(root).stage(manifest.stage).manifest
        pinned = {entry["name"]: entry["sha256"] for entry in manifest.pinned}
        pinned[url.rpartition("/")[2]] = files.sha256_of(url)
        entries += [[manifest.stage, *pair] for pair in sorted(pinned.items())]
    return digest_of(entries)


def finished_stages(root: str) -> Iterator[Manifest]:
    """The manifests in a run directory, by name of the stage; a copy of a folder is no stage."""
    run = RunFolder(root)
    found = ((name, read_manifest(run.stage(name))) for name in run.stage_names())
    return (manifest for name, manifest in found if manifest is not None and manifest.stage == name)


def _expected(manifest: Manifest) -> dict[str, str]:
    """SHA-256 of each file that a manifest lists, by name."""
    listed = chain(manifest.files, manifest.rejected_files)
    return {entry["name"]: entry["sha256"] for entry in listed}


def _damaged(root: str) -> Iterator[str]:
    """What is wrong with the manifests of the stages that are known here."""
    for name in RunFolder(root).stage_names():
        folder = RunFolder(root).stage(name)
        manifest = read_manifest(folder)
        is_sound = manifest is not None and manifest.stage == name
        if name in registry() and not is_sound and files.exists(folder.manifest):
            yield f"{folder.manifest} is damaged, or of another version"


def _problems(folder: StageFolder, manifest: Manifest) -> Iterator[str]:
    expected, found = _expected(manifest), set(folder.output_names())
    freed = {entry["name"] for entry in manifest.files} if is_freed(folder) else set()
    for name in sorted(expected.keys() - found - freed):
        yield f"{folder.file(name)} is missing"
    for name in sorted(found - expected.keys()):
        if _is_read_as_data(name):
            yield f"{folder.file(name)} is in no manifest"
    there = [(folder.file(name), expected[name]) for name in sorted(found & expected.keys())]
    for (url, _), problem in zip(there, at_once(_difference, there, READERS), strict=True):
        if problem:
            yield f"{url} {problem}"


def _difference(file: tuple[str, str]) -> str:
    """What is wrong with a file of a SHA-256; empty where it is as its manifest says."""
    url, sha256 = file
    try:
        is_same = files.sha256_of(url) == sha256
    except OSError as error:  # a folder, or a disk that fails
        return f"cannot be read: {error.strerror or error}"
    return "" if is_same else "is corrupt: its SHA-256 is not that of the manifest"


def _foreign(root: str, manifests: list[Manifest]) -> Iterator[str]:
    """What a file manager or a person has left in a run directory."""
    run = RunFolder(root)
    stages = {manifest.stage for manifest in manifests} | registry().keys()
    for name in run.stage_names():
        is_stage = name in stages and files.is_folder(run.stage(name).url)
        if not is_stage and name not in run.own_names:
            yield run.stage(name).url
    for manifest in manifests:
        folder, expected = run.stage(manifest.stage), _expected(manifest)
        for name in folder.output_names():
            if name not in expected:
                yield folder.file(name)


def _is_read_as_data(name: str) -> bool:
    """Whether those who read a folder of shards would take a file for one of them."""
    own_name = name.rpartition("/")[2]
    return own_name.endswith(SUFFIX) and not own_name.startswith(HIDDEN_PREFIXES)

"""Check a run against its manifests: every file whole, no file too many, one checksum for all."""

from collections.abc import Iterator

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.config import CONFIG_COPY
from orchestration.engine.manifest import MANIFEST, TIMINGS, Manifest, digest_of, read_manifest
from pipelines.crawl.site.config import LIVE_FOLDER

NOT_COMPARED = {TIMINGS}  # seconds, hosts and versions differ from run to run


class VerificationError(DalleError):
    """A run's files are not what its manifests say."""


def verify_run(root: str) -> list[str]:
    """One line a stage, and the checksum of the run.

    Raises:
        VerificationError: a file is corrupt, missing or too many; names each.
    """
    manifests = list(finished_stages(root))
    if not manifests:
        raise VerificationError(f"no finished stage in {root}; `dalle run` makes one")
    problems: list[str] = []
    lines = []
    for manifest in manifests:
        found = _problems(root, manifest)
        problems += found
        state = f"{len(found)} PROBLEMS" if found else "ok"
        lines.append(f"{manifest.stage:<10} {len(manifest.files):>5} files  {state}")
    if problems:
        raise VerificationError(
            "\n".join(problems)
            + "\ndelete the manifest.json of that stage and give `dalle run` again"
        )
    return [*lines, f"sha256     {run_checksum(root)}"]


def run_checksum(root: str) -> str:
    """SHA-256 over the name and content of every file that a comparison reads."""
    entries = []
    for manifest in finished_stages(root):
        for name in _names(root, manifest.stage):
            if name not in NOT_COMPARED:
                content = files.read_bytes(files.join(root, manifest.stage, name))
                entries.append([manifest.stage, name, files.sha256(content)])
    return digest_of(entries)


def finished_stages(root: str) -> Iterator[Manifest]:
    """The manifests in a run directory, by name of the stage."""
    for name in files.list_names(root):
        manifest = read_manifest(root, name) if name != CONFIG_COPY else None
        if manifest is not None:
            yield manifest


def _problems(root: str, manifest: Manifest) -> list[str]:
    expected = {e["name"]: e["sha256"] for e in manifest.files + manifest.rejected_files}
    found = set(_names(root, manifest.stage)) - {MANIFEST, TIMINGS}
    place = files.join(root, manifest.stage)
    problems = [f"{place}/{name} is missing" for name in sorted(expected.keys() - found)]
    problems += [f"{place}/{name} is in no manifest" for name in sorted(found - expected.keys())]
    for name in sorted(found & expected.keys()):
        if files.sha256(files.read_bytes(files.join(place, name))) != expected[name]:
            problems.append(f"{place}/{name} is corrupt: its SHA-256 is not the manifest's")
    return problems


def _names(root: str, stage: str) -> list[str]:
    """Every file under a stage's folder, by path relative to it."""
    names = []
    for name in files.list_names(files.join(root, stage)):
        if name == LIVE_FOLDER:
            continue  # what sites answered: an input, and no part of the output
        inner = files.list_names(files.join(root, stage, name)) if "." not in name else []
        names += [f"{name}/{child}" for child in inner] if inner else [name]
    return [name for name in names if name not in {"rejected", "progress"}]

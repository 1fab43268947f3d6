"""Replaces the result of a stage by its next one, so that the old one stays until that is whole.

A stage that is finished and must be made again writes to `.next` in its folder. There the manifest
of the next result says that it is whole; only then does the old manifest go, and the files change
places. A crash before that moment leaves the old result finished, one after it leaves a stage
without a manifest, whose files `settle` puts in place before the next run does anything else.
"""

from typing import Any

from dalle_model import files
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, parse_manifest, read_manifest, read_timings


def settle(folder: StageFolder) -> None:
    """Go on with a replacement that a crash has interrupted, if there is one."""
    manifest = read_manifest(folder.next)
    if manifest is not None and read_manifest(folder) is None:
        _put_in_place(folder, manifest)


def whole_next(
    folder: StageFolder, fingerprint: str, outside: list[dict[str, Any]]
) -> Manifest | None:
    """The next result of this very work, where a crash came just before the replacement.

    That of a retry is none: it holds no shard that it leaves as it is.
    """
    manifest = read_manifest(folder.next)
    if manifest is None or manifest.fingerprint != fingerprint or manifest.retried:
        return None
    return manifest if read_timings(folder.next).get("outside") == outside else None


def replace_result(folder: StageFolder, manifest: Manifest) -> None:
    """Put the next result, which says that it is whole, in the place of the one in a folder."""
    files.move(folder.manifest, folder.next.replaced)
    _put_in_place(folder, manifest)


def drop_next(folder: StageFolder) -> None:
    """Remove what was made to replace a result that stays."""
    if files.exists(folder.next.url):
        files.remove(folder.next.url)


def _put_in_place(folder: StageFolder, manifest: Manifest) -> None:
    """Move the files, each once however often it is tried; the manifest goes last."""
    names = manifest.names()
    for name in names:
        files.move(folder.next.file(name), folder.file(name))
    replaced = parse_manifest(folder.next.replaced)
    for name in sorted(set(replaced.names()).difference(names)) if replaced else []:
        files.remove(folder.file(name))
    files.remove(folder.cleaned)
    files.move(folder.next.timings, folder.timings)
    files.move(folder.next.manifest, folder.manifest)
    drop_next(folder)

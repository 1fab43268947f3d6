"""The files at a path of any file system: one file, all below a folder, or those of a glob.

Only what can be read as a file is one. On a disk the rest is counted: links to nothing, links to
folders (so that no circle of them is walked), pipes, sockets and devices; none is ever opened.
"""

import os
import posixpath
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import glob_translate

from dalle_model import files

DEAD_LINKS = "links to nothing"
FOLDER_LINKS = "links to folders"
NO_FILES = "pipes, sockets and devices"
LOCKED = "folders that may not be listed"

_MARK = re.compile(r"[*?[]")  # of a glob


class Listing(NamedTuple):
    """What is at a path; all are URLs where the path is one.

    Args:
        root: the folder that paths are relative to.
        paths: of all files.
        is_folder: the path is the root.
        others: how much there is that is no file, by kind; no folders.
    """

    root: str
    paths: list[str]
    is_folder: bool
    others: Mapping[str, int] = MappingProxyType({})


def list_files(path: str) -> Listing:
    """The files at a path now; a name that exists is not a glob, whatever characters it has."""
    if not files.is_local(path):
        return _list_store(path)
    bare = files.local_path(path)
    listing = _list_disk(bare.rstrip("/") or "/")
    if not files.is_url(path):
        return listing
    to_url = LocalFileSystem().unstrip_protocol
    return listing._replace(root=to_url(listing.root), paths=[to_url(p) for p in listing.paths])


def list_names(folder: str) -> list[str]:
    """Names of the files directly in a folder, sorted; those of hidden ones too."""
    if files.is_local(folder):
        found, _ = _walk(files.local_path(folder), depth=1)
        return [posixpath.basename(path) for path in found]
    filesystem, bare = files.url_to_fs(folder)
    filesystem.invalidate_cache()
    entries = [entry for entry in filesystem.ls(bare, detail=True) if entry["type"] == "file"]
    return sorted(posixpath.basename(e["name"]) for e in entries if not e["name"].endswith("/"))


def is_hidden(relative: str) -> bool:
    """Whether a name of a path begins with a dot."""
    return any(part.startswith(".") for part in relative.split("/"))


def _list_disk(bare: str) -> Listing:
    mode = _mode(bare)
    if stat.S_ISDIR(mode):
        found, others = _walk(bare)
        return Listing(bare, found, True, others)
    if _MARK.search(bare) and not mode:
        return _list_glob(bare)
    return Listing(posixpath.dirname(bare), [bare] if stat.S_ISREG(mode) else [], False)


def _list_glob(bare: str) -> Listing:
    """The files that a glob matches below the last folder in it that is there by that name."""
    root = posixpath.dirname(bare)
    while not stat.S_ISDIR(_mode(root)):
        root = posixpath.dirname(root)
    pattern = bare.removeprefix(root).lstrip("/")
    matches = re.compile(glob_translate(pattern)).match
    depth = None if "**" in pattern else pattern.count("/") + 1
    found, others = _walk(root, depth, lambda path: bool(matches(path[len(root) :].lstrip("/"))))
    return Listing(root, found, False, others)


def _list_store(path: str) -> Listing:
    filesystem, bare = files.url_to_fs(path)
    filesystem.invalidate_cache()
    is_folder = filesystem.isdir(bare)
    if is_folder:
        root, found = bare.rstrip("/"), filesystem.find(bare)
    elif _MARK.search(bare) and not filesystem.exists(bare):
        root = posixpath.dirname(_MARK.split(bare, 1)[0])
        found = [name for name in filesystem.glob(bare) if filesystem.isfile(name)]
    else:
        root, found = posixpath.dirname(bare), [bare] if filesystem.isfile(bare) else []
    urls = [filesystem.unstrip_protocol(name) for name in found]
    return Listing(filesystem.unstrip_protocol(root), urls, is_folder)


def _walk(
    top: str, depth: int | None = None, is_wanted: Callable[[str], bool] = lambda path: True
) -> tuple[list[str], Counter[str]]:
    """The paths of all files below a folder, sorted, and how much else there is, by kind.

    Args:
        top: absolute path of the folder; may itself be a link.
        depth: levels to go down; None for all.
        is_wanted: asked for the path of all but folders.

    Raises:
        OSError: a folder cannot be listed.
    """
    found: list[str] = []
    others: Counter[str] = Counter()
    level = [top]
    while level and depth != 0:
        below: list[str] = []
        for entry in _entries(level, others):
            if entry.is_dir(follow_symlinks=False):
                below.append(entry.path)
            elif not is_wanted(entry.path):
                continue
            elif what := _kind_of_other(entry):
                others[what] += 1
            else:
                found.append(entry.path)
        level, depth = below, None if depth is None else depth - 1
    return sorted(found), others


def _entries(folders: list[str], others: Counter[str]) -> Iterator[os.DirEntry[str]]:
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                yield from entries
        except PermissionError:  # such as `lost+found` at the top of a disk
            others[LOCKED] += 1


def _kind_of_other(entry: os.DirEntry[str]) -> str:
    """What is no file; empty for a file, and for a link to one."""
    if entry.is_file(follow_symlinks=False):
        return ""
    mode = _mode(entry.path)
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISDIR(mode):
        return FOLDER_LINKS
    return NO_FILES if mode else DEAD_LINKS


def _mode(path: str) -> int:
    """What is at a path, as `stat` says it, links followed; 0 where nothing can be found there."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0

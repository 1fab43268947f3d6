"""The files at a path of any file system: one file, all below a folder, or those of a glob."""

import logging
import posixpath
import re
from pathlib import Path
from typing import NamedTuple

from fsspec.core import url_to_fs

from dalle_model import files

_LOG = logging.getLogger(__name__)
_MARK = re.compile(r"[*?[]")  # of a glob


class Listing(NamedTuple):
    """What is at a path; all are URLs where the path is one.

    Args:
        root: the folder that paths are relative to.
        paths: of all files.
        is_folder: the path is the root.
    """

    root: str
    paths: list[str]
    is_folder: bool


def list_files(path: str) -> Listing:
    """The files at a path now; a name that exists is not a glob, whatever characters it has."""
    filesystem, bare = url_to_fs(path)
    filesystem.invalidate_cache()
    is_folder = filesystem.isdir(bare)
    if is_folder:
        root, found = bare.rstrip("/"), filesystem.find(bare)
        if files.is_local(path):
            found = [name for name in found if _is_file(name)]
    elif _MARK.search(bare) and not filesystem.exists(bare):
        root = posixpath.dirname(_MARK.split(bare, 1)[0])
        found = [name for name in filesystem.glob(bare) if filesystem.isfile(name)]
    else:
        root, found = posixpath.dirname(bare), [bare] if filesystem.isfile(bare) else []
    if "://" not in path:
        return Listing(root, found, is_folder)
    urls = [filesystem.unstrip_protocol(name) for name in found]
    return Listing(filesystem.unstrip_protocol(root), urls, is_folder)


def is_hidden(relative: str) -> bool:
    """Whether a name of a path begins with a dot."""
    return any(part.startswith(".") for part in relative.split("/"))


def _is_file(path: str) -> bool:
    """Whether a local path can be read as a file; warns where it cannot."""
    is_file = Path(path).is_file()
    if not is_file:
        _LOG.warning("%s: passed over: not a file, or a link to none", path)
    return is_file

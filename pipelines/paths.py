"""Paths that users write in config files and recipes."""

import posixpath

from dalle_model import files


def counted_from(folder: str, path: str) -> str:
    """A URL as it is; a plain path counted from a folder."""
    return path if files.is_url(path) else posixpath.join(folder, path)

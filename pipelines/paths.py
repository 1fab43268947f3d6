"""Paths that users write in config files and recipes."""

import posixpath
import re

from dalle_model import files
from dalle_model.tokenizers.installed import split_name


def counted_from(folder: str, path: str) -> str:
    """A URL as it is; a plain path counted from a folder."""
    return path if files.is_url(path) else posixpath.join(folder, path)


def scorer_from(folder: str, name: str) -> str:
    """The name of a scorer with the paths in it counted from a folder.

    Args:
        folder: URL.
        name: as `dalle_model.clip.registry.load_scorer` takes it.
    """
    architecture, at, weights = name.rpartition("@")
    if architecture.endswith(".json"):
        architecture = counted_from(folder, architecture)
    point, path = split_name(weights)
    if path is not None and re.search(r"[/.]", path):  # else the name of one, not a path
        located = counted_from(folder, path)
        weights = f"{point}:{located}" if point else located
    return f"{architecture}{at}{weights}"

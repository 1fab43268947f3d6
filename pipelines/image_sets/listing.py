"""The files of a set, and a digest of them, without an image being read."""

import posixpath
from collections.abc import Mapping

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.image_sets.config import ImageSet
from pipelines.io.manifest_groups import digest_of

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")  # of what `pipelines.io.looks` decodes

Listing = Mapping[str, int]  # bytes by path below the set's folder, sorted


class ImageSetError(UsageError):
    """A set of images to compare with cannot be used: which one, and why."""


def list_set(one: ImageSet) -> Listing:
    """All files of a set; of one that is a file, that alone, by its name.

    Raises:
        ImageSetError: nothing is there, or it cannot be listed.
    """
    try:
        filesystem, bare = files.url_to_fs(one.path)
        if not files.is_local(one.path):
            filesystem.invalidate_cache()
        found = filesystem.find(bare, detail=True)
    except Exception as error:  # each file system has errors of its own
        raise ImageSetError(f"{_named(one)} cannot be listed: {error}") from error
    sizes = {
        posixpath.relpath(path, bare) if path != bare else posixpath.basename(bare): info["size"]
        for path, info in found.items()
    }
    visible = {name: size for name, size in sorted(sizes.items()) if not _is_hidden(name)}
    if not visible:
        raise ImageSetError(f"{_named(one)}: nothing is there; correct the path")
    return visible


def location_of(one: ImageSet, name: str) -> str:
    """URL of a file of a set."""
    is_file = posixpath.basename(one.path.rstrip("/")) == name and not files.is_folder(one.path)
    return one.path if is_file else files.join(one.path, name)


def is_image(name: str) -> bool:
    """Whether a name has the suffix of an image."""
    return name.lower().endswith(IMAGE_SUFFIXES)


def set_digest(one: ImageSet) -> str:
    """SHA-256 of what a set holds, wherever it lies.

    Of captions and tables it is the content; of images, which are many, names and sizes.
    """
    content = {
        name: size if is_image(name) else files.sha256_of(location_of(one, name))
        for name, size in list_set(one).items()
    }
    return digest_of(content)


def _named(one: ImageSet) -> str:
    return f"the set {one.name}: {one.path}"


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))

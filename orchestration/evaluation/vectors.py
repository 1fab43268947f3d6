"""Vectors of images, kept beside the results: an interrupted or a second call goes on with them."""

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalle_model import files
from dalle_model.pixels import Rgb
from orchestration.evaluation.pictures import BrokenImageError, Look, decoded, looked_at
from orchestration.evaluation.sets import Picture

BATCH = 32  # images at a time; chosen: what an Inception takes at once on a small machine
KEPT_TOGETHER = 512  # vectors of a file; chosen: what a killed process loses at most
# Raise it where the same facts give other vectors.
_VERSION = 1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Extractor:
    """What makes vectors of images.

    Args:
        name: of it, for people, and for those who keep vectors of several.
        facts: all that decides the vectors beside the image and its look, as JSON.
        of: vectors `(n, d)` of images, each of its image alone.
    """

    name: str
    facts: Mapping[str, Any]
    of: Callable[[Sequence[Rgb]], Floats]


@dataclass
class VectorStore:
    """Vectors by the SHA-256 of the image's file, as files of a folder.

    Args:
        url: of the folder, of one extractor and one look.
    """

    url: str
    _found: dict[str, Floats] = field(default_factory=dict)
    _unwritten: dict[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in files.sweep_temporary(self.url):
            with np.load(io.BytesIO(files.read_bytes(files.join(self.url, name)))) as part:
                self._found |= zip(part["digests"].tolist(), part["vectors"], strict=True)

    def __contains__(self, digest: str) -> bool:
        return digest in self._found

    def __getitem__(self, digest: str) -> Floats:
        return self._found[digest]

    def add(self, digests: Sequence[str], vectors: Floats) -> None:
        """Keep vectors; they are written when there are some, or by `flush`."""
        new = dict(zip(digests, vectors, strict=True))
        self._found |= new
        self._unwritten |= new
        if len(self._unwritten) >= KEPT_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Write what is not written yet, as one file, atomically."""
        if not self._unwritten:
            return
        stream = io.BytesIO()
        digests = list(self._unwritten)
        np.savez(stream, digests=np.array(digests), vectors=np.stack([*self._unwritten.values()]))
        name = f"{files.sha256(''.join(digests).encode())[:16]}.npz"
        files.write_bytes(files.join(self.url, name), stream.getvalue())
        self._unwritten.clear()


def store_of(folder: str, extractor: Extractor, look: Look) -> VectorStore:
    """What is kept in a folder of the vectors of an extractor, seen by a look."""
    facts = {
        "extractor": extractor.facts,
        "look": asdict(look),
        "pillow": version("pillow"),
        "version": _VERSION,
    }
    digest = files.sha256(json.dumps(facts, sort_keys=True).encode())
    return VectorStore(files.join(folder, digest[:16]))


def digests_of(pictures: Sequence[Picture]) -> tuple[dict[str, str], dict[str, str]]:
    """SHA-256 of the files of pictures by name, and why others cannot be read."""
    found, broken = {}, {}
    for picture in pictures:
        try:
            found[picture.image.name] = files.sha256(picture.image.read())
        except OSError as error:
            broken[picture.image.name] = f"{type(error).__name__}: {error}"
    return found, broken


def fill(
    store: VectorStore,
    pictures: Mapping[str, Picture],
    extractor: Extractor,
    look: Look,
    on_image: Callable[[int, int], None],
) -> dict[str, str]:
    """Compute the vectors that a store lacks; Ctrl-C leaves those that there are.

    Args:
        store: of the extractor and the look.
        pictures: by the SHA-256 of their files.
        extractor: that makes the vectors.
        look: by which images are seen.
        on_image: called with how many of the missing ones are done, and how many there are.

    Returns:
        Why a picture cannot be decoded, by its digest.
    """
    missing = [digest for digest in sorted(pictures) if digest not in store]
    broken: dict[str, str] = {}
    done = 0
    try:
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            seen = dict(_seen(batch, pictures, look, broken))
            if seen:
                store.add(list(seen), extractor.of(list(seen.values())))
            done += len(batch)
            on_image(done, len(missing))
    finally:
        store.flush()
    return broken


def _seen(
    digests: Sequence[str], pictures: Mapping[str, Picture], look: Look, broken: dict[str, str]
) -> Iterator[tuple[str, Rgb]]:
    for digest in digests:
        try:
            yield digest, looked_at(decoded(pictures[digest].image.read()), look)
        except (BrokenImageError, OSError) as error:
            broken[digest] = str(error)

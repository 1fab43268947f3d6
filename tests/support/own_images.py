"""Work on images of one's own that needs no files: pieces of rows from memory, and a tiny codec."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.encode.alone.own_images import own_images
from pipelines.encode.alone.shards import complete
from pipelines.encode.alone.work import Work, work_of
from pipelines.encode.config import EncodeConfig
from pipelines.images.own import SCHEMA
from pipelines.io.manifest import Manifest
from pipelines.rejection import Rejection
from tests.support.image_rows import Row, row

ROWS = [row(number) for number in (5, 3, 1, 4, 2, 0)]


def own_row(made: Row) -> Row:
    """The columns that are made of images of one's own."""
    return {name: made[name] for name in SCHEMA.names}


def completed(work: Work) -> Manifest:
    """The manifest of work whose shards are all there."""
    manifest = complete(work)
    assert manifest is not None
    return manifest


def own_work(
    out: Path,
    codec: str,
    pieces: Sequence[Sequence[Row | Rejection]] = (ROWS[:3], ROWS[3:]),
    config: EncodeConfig | None = None,
    digest: str = "digest",
) -> Work:
    """The work of encoding pieces, each with an odd file beside its images."""

    def read(index: int, passed_over: Counter[str]) -> Iterator[Row | Rejection]:
        passed_over["odd files"] += 1
        for one in pieces[index]:
            yield one if isinstance(one, Rejection) else own_row(one)

    inputs = own_images(len(pieces), digest, SCHEMA, read, {".doc files": 2})
    return work_of(inputs, str(out), config or EncodeConfig(codec=codec, batch_size=4))

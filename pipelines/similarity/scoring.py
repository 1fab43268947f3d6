"""The scores of a shard's rows, of which those that an earlier result has are taken from there.

A score depends on the image as served and on the caption alone, as a `Scorer` promises: so another
limit, or another row beside it, costs no scoring.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dalle_model.pixels import Rgb, from_stored
from pipelines.io.earlier import readable_row_groups
from pipelines.io.parquet import rows_of
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import StageTask
from pipelines.similarity.config import SimilarityConfig
from pipelines.similarity.languages import languages_of

BATCH = 32  # pairs in one call of the scorer; chosen: 25 MB of images of 512 px, and few calls
COLUMNS = ["key", "caption", "sha256", "image"]

# `pair`: digest of image and caption. `score`: null where there is none, and `fault` says why.
# `is_known`: from an earlier result.
SCORE_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("pair", pa.uint64(), nullable=False),
        pa.field("score", pa.float32()),
        pa.field("fault", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("is_known", pa.bool_(), nullable=False),
    ]
)

Row = dict[str, Any]
Score = Callable[[Sequence[Rgb], Sequence[str]], NDArray[np.float32]]


class Pair(NamedTuple):
    """An image and a caption that are to be scored."""

    rgb: Rgb
    caption: str


@dataclass
class Scored:
    """What is known of a row.

    Args:
        key: of the row.
        pair: digest of its image and caption.
        score: None where there is none, or none yet.
        fault: why there is none.
        is_known: whether an earlier result has it.
    """

    key: str
    pair: int
    score: float | None = None
    fault: str = ""
    is_known: bool = False


def score_shard(task: StageTask, index: int, config: SimilarityConfig, score: Score) -> pa.Table:
    """The scores of the survivors of a shard: `SCORE_SCHEMA`, in the order of their keys.

    Args:
        task: of the stage.
        index: of the shard.
        config: of the stage.
        score: scores of pairs, each -1..1 for a CLIP.

    Raises:
        UnreadableShardError: the image or the survivor shard is missing or corrupt.
    """
    captions: list[str] = []
    known = known_scores(task, index, config)
    rows = _noting(_rows(task, index), captions)
    found = score_rows(rows, score, known)
    columns = {
        "key": [one.key for one in found],
        "pair": [one.pair for one in found],
        "score": [one.score for one in found],
        "fault": [one.fault for one in found],
        "language": list(languages_of(captions, config.languages)),
        "is_known": [one.is_known for one in found],
    }
    return pa.table(columns, schema=SCORE_SCHEMA)


def score_rows(rows: Iterable[Row], score: Score, known: Mapping[int, float]) -> list[Scored]:
    """The scores of rows, in their order; no more than a batch of images is held.

    Args:
        rows: of `COLUMNS`.
        score: as of `score_shard`.
        known: earlier scores by the digest of their pair.
    """
    found: list[Scored] = []
    waiting: list[tuple[Scored, Pair]] = []
    image = ""  # the last one, which neighbours may share
    rgb: Rgb | None = None
    for row in rows:
        pair = pair_digest(row["sha256"], row["caption"])
        one = Scored(row["key"], pair, known.get(pair), is_known=pair in known)
        found.append(one)
        if not one.is_known:
            if row["sha256"] != image or rgb is None:
                image, rgb = row["sha256"], _decoded(row["image"], one)
            waiting += [] if rgb is None else [(one, Pair(rgb, row["caption"]))]
        if len(waiting) == BATCH:
            _fill_in(waiting, score)
            waiting = []
    _fill_in(waiting, score)
    return found


def pair_digest(sha256: str, caption: str) -> int:
    """64 bits of an image and a caption. Two of a million pairs share them once in 37 million runs.

    Args:
        sha256: of the image's bytes as served.
        caption: as it is scored.
    """
    text = f"{sha256}{caption}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def known_scores(task: StageTask, index: int, config: SimilarityConfig) -> dict[int, float]:
    """The scores of a shard in earlier results, of rows kept and dropped, by `pair_digest`."""
    found: dict[int, float] = {}
    for folder in task.earlier_results:
        names = [config.column, config.digest_column]
        for table in readable_row_groups(folder.part(index), names):
            scores, pairs = (table[name].to_pylist() for name in names)
            found.update(zip(pairs, scores, strict=True))
        for table in readable_row_groups(folder.rejected(index), ["measured", "detail"]):
            for measured, detail in zip(*(c.to_pylist() for c in table.columns), strict=True):
                pair = pair_of(detail)
                if pair is not None and measured is not None:
                    found[pair] = measured
    return found


def detail_of(pair: int, language: str = "") -> str:
    """What a rejection says of a pair beside its score."""
    return f"pair {pair:016x}" + (f", language {language}" if language else "")


def pair_of(detail: str) -> int | None:
    """The digest in what `detail_of` made; None of another text."""
    matched = re.match(r"pair ([0-9a-f]{16})\b", detail)
    return int(matched[1], 16) if matched else None


def _rows(task: StageTask, index: int) -> Iterator[Row]:
    for table in surviving_row_groups(task, index, COLUMNS):
        yield from rows_of(table.select(COLUMNS))


def _noting(rows: Iterable[Row], captions: list[str]) -> Iterator[Row]:
    """The same rows; their captions are added to a list as they pass."""
    for row in rows:
        captions.append(row["caption"])
        yield row


def _decoded(image: bytes, one: Scored) -> Rgb | None:
    try:
        return from_stored(image)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on a broken file
        one.fault = type(error).__name__
        return None


def _fill_in(waiting: Sequence[tuple[Scored, Pair]], score: Score) -> None:
    """Score some pairs, at most a batch."""
    if not waiting:
        return
    images, captions = zip(*(pair for _, pair in waiting), strict=True)
    scores = np.asarray(score(images, captions), np.float32)
    for (one, _), value in zip(waiting, scores.tolist(), strict=True):
        one.score = value if np.isfinite(value) else None
        one.fault = "" if np.isfinite(value) else f"the scorer says {value}"

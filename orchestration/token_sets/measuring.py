"""What the codes of a set say of its quality, for people and as JSON; with images, its PSNR."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from dalle_model.shard_schema import TOKEN_SHAPE, companion
from dalle_model.shard_sets.code_counts import CodeUse
from dalle_model.shard_sets.statistics import (
    CodeStatistics,
    SetStatistics,
    ShardStatistics,
    set_statistics,
)
from dalle_model.shard_sets.token_set import TokenSet, open_set
from orchestration.engine.progress import Progress
from orchestration.token_sets.decoding import DecodeError, codec_of, decoded_row, tokens_of
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.squares import pixels_of

SAMPLE_ROWS = 32  # of which the PSNR is; chosen: 32 of 256 px take a dVAE of full size two minutes
_SHOWN_SHARDS = 5  # chosen: those that are furthest from the others
_MAP_ROWS, _MAP_COLUMNS = 8, 12  # chosen: a map that a terminal shows
_NO_IMAGES = "--images names the folder `images` of the run that made them"


@dataclass(frozen=True)
class MeasuredSet:
    """What was measured of a set.

    Args:
        url: of its folder, or of its one shard.
        statistics: of its codes.
        psnr: of the first rows, decoded, in dB; None where it was not measured.
        psnr_rows: how many those were.
        no_psnr: why it was not measured; empty where it was.
    """

    url: str
    statistics: SetStatistics
    psnr: float | None
    psnr_rows: int
    no_psnr: str

    def __str__(self) -> str:
        return "\n".join(_lines(self))

    def as_json(self) -> dict[str, Any]:
        """All of it, JSON-ready; what could not be told is null."""
        found = self.statistics
        entropy = found.position_entropy
        return {
            "url": self.url,
            "column": found.column,
            "codec": found.metadata.codec,
            "codec_sha256": found.metadata.codec_sha256,
            "num_codes": found.metadata.num_codes,
            "codebooks": found.metadata.codebooks,
            **_codes_json(found.codes),
            "position_entropy_bits": None if entropy is None else entropy.round(6).tolist(),
            "position_groups": found.position_groups,
            "drift": found.no_drift or None,
            "alarms": [one.url for one in found.alarms],
            "psnr_db": self.psnr if self.psnr is None or math.isfinite(self.psnr) else None,
            "psnr_rows": self.psnr_rows,
            "no_psnr": self.no_psnr or None,
            "shards": [_shard_json(one) for one in found.shards],
        }


def measure_set(url: str, column: str, images: str, codec: str, progress: Progress) -> MeasuredSet:
    """Measure a set.

    Args:
        url: of the set.
        column: of the tokens.
        images: URL of the folder of the stage `images` whose images were encoded; empty where the
            PSNR is not asked for.
        codec: name or URL; by default the one that ships with the package, if it is that.
        progress: receives each shard.

    Raises:
        DecodeError: there is no such column, no such images, or another codec is named.
        ShardError: the set cannot be read.
    """
    found = open_set(url)
    tokens_of(found, column)
    psnr, rows = _psnr(found, column, images, codec) if images else (None, 0)
    why = "" if psnr is not None else "the set holds no row" if images else _NO_IMAGES
    return MeasuredSet(url, set_statistics(found, column, progress.step), psnr, rows, why)


def _psnr(found: TokenSet, column: str, images: str, codec: str) -> tuple[float | None, int]:
    """In dB, of the first rows; they are the same every time, and any, as keys are hashes."""
    from dalle_model.evaluate.reconstruction import psnr
    from dalle_model.tokenizers.registry import load_codec  # loads torch

    metadata = tokens_of(found, column)
    name = codec_of(codec, metadata, column)
    manifest = read_manifest(StageFolder(images))
    if manifest is None or not manifest.num_shards:
        raise DecodeError(f"{images} holds no images of a finished stage; {_NO_IMAGES}")
    own_shape = [companion(column, TOKEN_SHAPE)] if metadata.token_shape is None else []
    rows = found.first(SAMPLE_ROWS, ["key", "crop", "flipped", column, *own_shape]).to_pylist()
    if not rows:
        return None, 0
    loaded = load_codec(name)
    shown = [decoded_row(loaded, row, column) for row in rows]
    folder = StageFolder(images, manifest.num_shards)
    try:
        cuts = [(key, cut) for key, cut, _ in shown]
        originals = pixels_of(folder, cuts, loaded.facts.resample)
    except KeyError as error:
        raise DecodeError(
            f"{images} has no image of row {error.args[0]}: these are not the images of "
            f"{found.url}; {_NO_IMAGES}"
        ) from error
    sides = (originals, [rgb for *_, rgb in shown])  # of shapes that may differ from row to row
    flat = [np.concatenate([image.reshape(-1) for image in side]) for side in sides]
    return psnr(*flat), len(rows)


def _lines(measured: MeasuredSet) -> Iterator[str]:
    found = measured.statistics
    codes, shards = found.codes, found.shards
    yield f"rows     {codes.rows:,} in {len(shards):,} shards; {found.metadata.words}"
    for number, book in enumerate(codes.books):
        name = "use" if len(codes.books) == 1 else f"book {number}"
        yield f"{name:<8} {_use_text(book)}"
    yield f"constant {codes.constant:,} rows whose positions are all of one code"
    yield f"copies   {_copies_text(codes)}"
    if found.position_entropy is not None:
        yield from _map_lines(found.position_entropy, found.position_groups, found.metadata)
    yield f"drift    {_drift_text(found)}"
    yield from (_shard_line(one) for one in _furthest(found))
    if measured.psnr is None:
        yield f"psnr     not measured: {measured.no_psnr}"
    else:
        yield f"psnr     {measured.psnr:.2f} dB of the first {measured.psnr_rows:,} rows"


def _use_text(use: CodeUse) -> str:
    share = use.used / use.num_codes
    return (
        f"{use.used:,} of {use.num_codes:,} codes ({share:.1%}), {use.dead:,} dead; perplexity "
        f"{use.perplexity:,.0f}, {use.entropy:.2f} of {math.log2(use.num_codes):.2f} bits"
    )


def _copies_text(codes: CodeStatistics) -> str:
    found = codes.copies
    about = "" if found.share == 1 else f", by the {found.share:.2%} that were compared"
    most = f"; {found.largest:,} have the same" if found.images else ""
    return f"{found.images:,} images have the codes of another{about}{most}"


def _drift_text(found: SetStatistics) -> str:
    if found.no_drift:
        return f"cannot be told: {found.no_drift}"
    told = [one.drift for one in found.shards if one.drift is not None]
    most = max(one.ratio for one in told)
    said = f"{len(found.alarms):,} ALARMS" if found.alarms else "none"
    return (
        f"{said}: shards differ by {most:.2f} x what chance gives or less, "
        f"and {told[0].limit:.2f} x is an alarm"
    )


def _furthest(found: SetStatistics) -> list[ShardStatistics]:
    """All alarms and some others: those with most drift, or the first where none is told."""
    ordered = sorted(found.shards, key=lambda one: -(one.drift.ratio if one.drift else 0))
    return ordered[: max(len(found.alarms), _SHOWN_SHARDS)]


def _shard_line(one: ShardStatistics) -> str:
    codes, drift = one.codes, one.drift
    bits = np.mean([book.entropy for book in codes.books])
    used = sum(book.used for book in codes.books)
    said = f"{used:,} codes, {bits:.2f} bits, {codes.constant:,} constant, {codes.copies.images:,}"
    apart = ""
    if drift is not None:
        apart = f", {drift.ratio:.2f} x, JS {drift.divergence:.5f} bits"
        apart += " ALARM" if drift.is_alarm else ""
    return f"         {PurePosixPath(one.url).name}: {codes.rows:,} rows, {said} copies{apart}"


def _map_lines(entropy: np.ndarray[Any, Any], groups: int, metadata: Any) -> Iterator[str]:
    """The entropy by position, as means of parts of the grid."""
    grid = entropy if entropy.ndim == 2 else entropy.reshape(1, -1)
    of = "" if groups == metadata.num_codes else f", of codes in {groups:,} groups"
    yield (
        f"position {entropy.min():.2f} to {entropy.max():.2f} bits, {entropy.mean():.2f} on "
        f"average{of}; means of {' x '.join(map(str, entropy.shape))} positions:"
    )
    for row in shrunk(grid, _MAP_ROWS, _MAP_COLUMNS):
        yield "         " + " ".join(f"{value:5.2f}" for value in row)


def shrunk(grid: np.ndarray[Any, Any], rows: int, columns: int) -> np.ndarray[Any, Any]:
    """Means of parts of a grid, in no more than so many rows and columns."""
    bands = np.array_split(grid, min(rows, grid.shape[0]), axis=0)
    cells = [np.array_split(band, min(columns, grid.shape[1]), axis=1) for band in bands]
    return np.array([[cell.mean() for cell in row] for row in cells])


def _codes_json(codes: CodeStatistics) -> dict[str, Any]:
    books = [asdict(book) | {"perplexity": book.perplexity} for book in codes.books]
    return {
        "rows": codes.rows,
        "books": [_renamed(book) for book in books],
        "constant": codes.constant,
        "copies": codes.copies.images,
        "copies_share_compared": codes.copies.share,
    }


def _renamed(book: dict[str, Any]) -> dict[str, Any]:
    return {"entropy_bits" if name == "entropy" else name: book[name] for name in book}


def _shard_json(one: ShardStatistics) -> dict[str, Any]:
    drift = one.drift
    told = None
    if drift is not None:
        told = {
            "divergence_bits": drift.divergence,
            "ratio": drift.ratio,
            "limit": drift.limit,
            "is_alarm": drift.is_alarm,
        }
    return {"url": one.url, **_codes_json(one.codes), "drift": told}

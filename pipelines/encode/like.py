"""The crops of other token shards, so that a second codec encodes the same pixels of the same rows.

Those shards may be of any number, and of a folder or a run. Their rows are read by ranges of keys,
never more than one row group at a time.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, gcd, sqrt

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.cuts import Box, Cut, Shape, Sizes
from dalle_model.errors import DalleError, UsageError
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shards import common_metadata, image_of, list_shards, read_metadata
from pipelines.encode.batches import Place, Row
from pipelines.encode.config import NOT_IN_LIKE
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, parse_manifest
from pipelines.rejection import Check

MISSING = "pairs of `like` that are not among the images"  # counted, as they are no rows here
_COLUMNS = ["key", "view", "crop", "flipped", "sha256", "token_shape"]  # where they are there
_STAGE = "encode"


class LikeError(UsageError):
    """The shards whose crops are wanted cannot be used: which, why, and what to name instead."""


@dataclass(frozen=True)
class Like:
    """Token shards whose crops are taken.

    Args:
        folder: URL.
        urls: of the shards.
        metadata: of all of them.
        manifest: where they are those of a finished run, and all there.
    """

    folder: str
    urls: tuple[str, ...]
    metadata: ShardMetadata
    manifest: Manifest | None

    def of_shard(self, index: int, num_shards: int) -> Sequence[str]:
        """The shards in which keys of a shard of a run may lie."""
        if self.manifest is None:
            return self.urls
        common = gcd(num_shards, self.manifest.num_shards)  # a key's shard is a remainder
        return self.urls[index % common :: common]


def open_like(url: str, shape: Shape | None = None, patch: Shape | None = None) -> Like:
    """Token shards, by their folder or the directory of their run.

    Args:
        url: of it.
        shape: height and width of what the second codec encodes; None where it is not known.
        patch: of a token, in pixels, of a codec that takes other shapes.

    Raises:
        LikeError: there are none, they are damaged or of several codecs, or their crops have
            another aspect than the codec.
    """
    try:
        folder = _folder(url)
        urls = list_shards(folder)
        metadata = common_metadata(urls)
    except (DalleError, OSError, ImportError) as error:
        raise LikeError(
            f"{url}: its crops cannot be taken: {error}; name a folder of token shards, such as "
            "the folder `encode` of a run, or that run"
        ) from error
    if shape is not None:
        _refuse_other_aspect(url, metadata, shape, patch)
    stage = StageFolder(folder)
    manifest = parse_manifest(stage.manifest)
    if manifest is not None:
        stage = StageFolder(folder, manifest.num_shards)
        manifest = manifest if stage.parts() == urls else None
    return Like(folder, tuple(urls), metadata, manifest)


def like_sha256(like: Like) -> str:
    """Names the rows: the digest of their manifest or, where there is none, of all footers."""
    if like.manifest is not None:
        return like.manifest.digest
    footers = [files.sha256(parquet.read_footer(url)) for url in like.urls]
    return files.sha256(json.dumps(footers).encode())


def views_of(url: str) -> tuple[str, ...]:
    """The names of the views of token shards, as the first of them says; raises as `open_like`."""
    try:
        return read_metadata(list_shards(_folder(url))[0]).views
    except (DalleError, OSError, ImportError) as error:
        raise LikeError(f"{url}: its crops cannot be taken: {error}") from error


def grid_of(url: str) -> int:
    """Tokens along the edge of the square bucket of rows with token shapes of their own.

    The buckets have nearly as many tokens each, and at most as many as the square. The first shard
    is read, whose keys are hashes, so that its rows are a sample; 0 where it has none. Raises as
    `open_like`.
    """
    try:
        first = list_shards(_folder(url))[0]
        shapes = parquet.read_table(first, ["token_shape"])["token_shape"].to_pylist()
    except (DalleError, OSError, ImportError) as error:
        raise LikeError(f"{url}: its crops cannot be taken: {error}") from error
    return max((ceil(sqrt(rows * columns)) for rows, columns in shapes), default=0)


class LikeRows:
    """The crops of the rows of one shard, which are asked for in the order of their keys.

    Args:
        like: where from.
        index: of the shard.
        num_shards: of the run.
        shape: height and width of what the codec encodes, in pixels.
        patch: of a token, in pixels, where rows have token shapes of their own, which they keep.

    Attributes:
        num_missing: pairs of the other shards that belong into this one, and are not among its
            rows; complete when all tables have passed.
    """

    def __init__(
        self, like: Like, index: int, num_shards: int, shape: Shape, patch: Shape | None = None
    ) -> None:
        self._like, self._urls = like, like.of_shard(index, num_shards)
        self._index, self._num_shards = index, num_shards
        self._shape, self._patch = shape, patch
        self._ranges: dict[str, list[tuple[str, str] | None]] = {}
        self._rows: dict[str, list[Row]] = {}
        self._image, self._places = "", list[Place]()
        self.num_missing = 0

    def followed(self, tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
        """The same tables; the crops of a table's rows are known once it has passed."""
        low = ""
        for table in tables:
            if table.num_rows:
                high = table["key"][-1].as_py()
                self._read(low, high, table["key"])
                low = high
            yield table
        self._read(low, None, pa.chunked_array([], pa.string()))

    def refusal(self, row: Row) -> Check | None:
        """Why the crops of a row cannot be had: it is not there, or its image has changed."""
        found = self._rows.get(row["key"])
        if found is None:
            return Check(NOT_IN_LIKE, passed=False)
        (then, *_) = found
        if then["sha256"] and then["sha256"] != row["sha256"]:
            return Check("changed_since_like", passed=False, detail=f"was {then['sha256'][:12]}")
        self._refuse_other_places(row["key"])
        return None

    @property
    def names(self) -> tuple[str, ...]:
        """Of each view, by its number, as the other shards say."""
        return self._like.metadata.views

    def choose(self, row: Row, _sizes: Sizes) -> list[Place]:
        """The views of a row that is not refused."""
        return self._places_of(row["key"])

    def count(self, row: Row) -> int:
        """How many those are."""
        return len(self._rows[row["key"]])

    def _refuse_other_places(self, key: str) -> None:
        image, places = image_of(key), self._places_of(key)
        if image == self._image and places != self._places:
            raise LikeError(
                f"{self._like.folder}: the captions of image {image} have different crops; name "
                "the token shards of one run"
            )
        self._image, self._places = image, places

    def _places_of(self, key: str) -> list[Place]:
        rows = sorted(self._rows[key], key=lambda row: int(row["view"]))
        if len({row["view"] for row in rows}) < len(rows):
            raise LikeError(
                f"{self._like.folder}: row {key} has a view twice; name the token shards of one run"
            )
        return [
            Place(row["view"], Cut(Box(*row["crop"]), row["flipped"], self._shape_of(row)))
            for row in rows
        ]

    def _shape_of(self, row: Row) -> Shape:
        if self._patch is None or "token_shape" not in row:
            return self._shape
        (rows, columns), (height, width) = row["token_shape"], self._patch
        return rows * height, columns * width

    def _read(self, low: str, high: str | None, keys: pa.ChunkedArray) -> None:
        """Take the rows with some keys, and count the others, behind a key up to another one."""
        self._rows = {}
        wanted = keys.combine_chunks()
        for url in self._urls:
            last = ""
            for number in self._groups(url, low, high):
                table = _between(_group(url, number), low, high)
                is_wanted = pc.is_in(table["key"], wanted)
                for row in table.filter(is_wanted).to_pylist():
                    self._rows.setdefault(row["key"], []).append(row)
                for key in table["key"].filter(pc.invert(is_wanted)).to_pylist():
                    is_ours = key != last and shard_of(key, self._num_shards) == self._index
                    self.num_missing += is_ours
                    last = key

    def _groups(self, url: str, low: str, high: str | None) -> Iterator[int]:
        """The row groups of a shard in which keys between may lie."""
        if url not in self._ranges:
            self._ranges[url] = parquet.read_ranges(url, "key")
        for number, known in enumerate(self._ranges[url]):
            first, last = known or (low, None)
            if (last is None or last > low) and (high is None or first <= high):
                yield number


def _folder(url: str) -> str:
    """A folder of token shards as it is, of a run that of its tokens."""
    inner = RunFolder(url).stage(_STAGE)
    return inner.url if parse_manifest(inner.manifest) is not None else url


def _group(url: str, number: int) -> pa.Table:
    table = parquet.read_row_group(url, number, _COLUMNS)
    if "flipped" in table.column_names:
        return table
    return table.append_column("flipped", pa.repeat(False, table.num_rows))


def _between(table: pa.Table, low: str, high: str | None) -> pa.Table:
    is_behind = pc.greater(table["key"], low)
    if high is None:
        return table.filter(is_behind)
    return table.filter(pc.and_(is_behind, pc.less_equal(table["key"], high)))


def _refuse_other_aspect(
    url: str, metadata: ShardMetadata, shape: Shape, patch: Shape | None
) -> None:
    theirs, (height, width) = metadata.image_shape, shape
    if theirs is None and patch is None:
        raise LikeError(
            f"{url}: its crops are of many aspects, and the codec encodes images of {height} x "
            f"{width} px alone; name one that takes any whole number of patches, such as a dVAE or "
            "a VQGAN"
        )
    if theirs is not None and theirs[0] * width != theirs[1] * height:
        raise LikeError(
            f"{url}: its crops were encoded as {theirs[0]} x {theirs[1]} px, and the codec encodes "
            f"{height} x {width} px, as height x width; name a codec of their aspect"
        )

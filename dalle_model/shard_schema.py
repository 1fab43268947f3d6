"""What a token shard is: its columns, and the metadata in its footer that says what they mean."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal

import pyarrow as pa

from dalle_model.token_shape import square_edge, token_dtype

SCHEMA_VERSION = 2
METADATA_KEY = b"dalle"
CENTRE: Final = "centre"  # the one view of version 1
IMAGE_TOKENS, TOKEN_SHAPE, TOKEN_MARGINS = "image_tokens", "token_shape", "token_margins"
CLIP_SCORE: Final = "clip_score"  # null where no stage of the run gives one
Encoding = Literal["DICTIONARY", "BYTE_STREAM_SPLIT"]  # of Parquet
# Measured, 64 to 4,096 rows of 64 to 1,024 uniform or Zipfian codes: up to here a dictionary takes
# what byte streams do or less, but for shards of a few rows; above, 1 to 12 % more, with shards of
# 512 rows up to twice as much, and 3 times the time to write.
DICTIONARY_CODES = 8192


@dataclass(frozen=True)
class ShardMetadata:
    """What the tokens of a shard mean; stored in the Parquet footer.

    Args:
        codec: its name.
        codec_sha256: of its weights file.
        image_shape: height and width of the encoded images, in pixels; None where rows differ.
        token_shape: of an image's positions: rows and columns of a grid, or one length. None where
            rows differ: then each has its own, in the column `token_shape`.
        num_codes: every image token is below it.
        pixel_range: of the encoder's input, as in `[0.1, 0.9]` for the logit-Laplace map.
        preprocessing: digest of the crop and scaling settings.
        tokenizer_sha256: of the text tokenizer behind `text_tokens`; empty where the column is
            null, as captions can be tokenised when they are loaded.
        fingerprint: of the encode stage.
        codebooks: codes at each position, which lie beside each other.
        order: of the positions: `raster`, the rows of a grid from the top; `sequence`, without
            places in the image; `scales`, grids from coarse to fine.
        views: the name of each view of an image (`dalle_model.views`), by its number in the column
            `view`; empty for shards together whose views differ, of which rows alone say what they
            are.
        schema_version: of the footer and the columns, as the shard was written.
        joined: what the tokens of further codecs mean, by their columns: `image_tokens_<name>`, of
            the same rows and crops.
    """

    codec: str
    codec_sha256: str
    image_shape: tuple[int, int] | None
    token_shape: tuple[int, ...] | None
    num_codes: int
    pixel_range: tuple[float, float]
    preprocessing: str
    tokenizer_sha256: str
    fingerprint: str
    codebooks: int = 1
    order: str = "raster"
    views: tuple[str, ...] = (CENTRE,)
    schema_version: int = SCHEMA_VERSION
    joined: Mapping[str, "ShardMetadata"] = field(default_factory=dict, hash=False)

    @property
    def tokens(self) -> dict[str, "ShardMetadata"]:
        """What the codes of each column of tokens mean, `image_tokens` first."""
        return {IMAGE_TOKENS: replace(self, joined={}), **self.joined}

    @property
    def num_tokens(self) -> int:
        """Positions of an image; raises ValueError where rows differ."""
        if self.token_shape is None:
            raise ValueError("each row has a token shape of its own, in the column `token_shape`")
        return math.prod(self.token_shape)

    @property
    def side(self) -> int:
        """Edge of the images, in pixels; raises ValueError where they are not square."""
        return _edge("images", self.image_shape)

    @property
    def grid(self) -> int:
        """Tokens along one edge; raises ValueError where they are no square grid."""
        return _edge("tokens", self.token_shape)

    @property
    def words(self) -> str:
        """Images, tokens and codes, for people; shapes are height x width."""
        pixels = f"images of {_times(self.image_shape)} px" if self.image_shape else "images"
        shape = f"{_times(self.token_shape)} tokens" if self.token_shape else "tokens of any shape"
        books = "" if self.codebooks == 1 else f"{self.codebooks} "
        order = _ORDERS.get(self.order, f"the order {self.order}")
        return f"{pixels} to {shape} in {order}, each {books}of {self.num_codes:,} codes"


_JOINED = "joined"  # the one field that a footer may lack
_ORDERS = {"raster": "raster order", "sequence": "one sequence", "scales": "grids, coarse to fine"}


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{length:,}" for length in shape)


def _edge(what: str, shape: tuple[int, ...] | None) -> int:
    if shape is None:
        raise ValueError(f"each row has {what} of a shape of its own")
    return square_edge(what, shape)


def parse_metadata(raw: bytes) -> ShardMetadata:
    """The metadata of a footer, of this version or an earlier one.

    Raises:
        ValueError: it is damaged, or of another version; says which.
    """
    try:
        values = json.loads(raw)
        version = int(values["schema_version"])
        if version == 1:
            return _metadata(_from_version_1(values))
        if version == SCHEMA_VERSION:
            return _metadata(values)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise ValueError("its `dalle` metadata is damaged") from error
    raise ValueError(
        f"its schema version is {version}, this program reads 1 to {SCHEMA_VERSION}; "
        "take a later program, or make the shard again with `dalle run encode`"
    )


def _metadata(values: Mapping[str, Any]) -> ShardMetadata:
    joined = {name: _metadata(one) for name, one in _joined(values).items()}
    if values.keys() | {_JOINED} != {field.name for field in fields(ShardMetadata)}:
        raise ValueError("other fields than this version has")
    if not all(isinstance(name, str) for name in values["views"]):
        raise ValueError("names of views are texts")
    shapes = {name: _shape(values[name]) for name in ("image_shape", "token_shape")}
    lists = {name: tuple(values[name]) for name in ("pixel_range", "views")}
    return ShardMetadata(**{**values, **shapes, **lists, _JOINED: joined})


def _joined(values: Mapping[str, Any]) -> dict[str, Any]:
    found = values.get(_JOINED, {})
    if not isinstance(found, dict):
        raise ValueError(f"{found} are no tokens by their columns")
    return found


def _shape(lengths: Any) -> tuple[int, ...] | None:
    if lengths is None:
        return None
    if not lengths or not all(isinstance(length, int) and length > 0 for length in lengths):
        raise ValueError(f"{lengths} is no shape")
    return tuple(lengths)


def _from_version_1(values: Mapping[str, Any]) -> dict[str, Any]:
    """Version 1 knew squares alone: `grid` tokens along an edge of `side` pixels."""
    kept = {name: value for name, value in values.items() if name not in ("grid", "side")}
    return kept | {
        "image_shape": [values["side"]] * 2,
        "token_shape": [values["grid"]] * 2,
        "codebooks": 1,
        "order": "raster",
        "views": [CENTRE],
    }


def token_schema(metadata: ShardMetadata, added: Sequence[pa.Field] = ()) -> pa.Schema:
    """Arrow schema of a token shard, with its metadata and `huggingface` features.

    Args:
        metadata: for the footer.
        added: columns of numbers or text that a run appends to those of every shard, as scores;
            `clip_score` has its place among these.
    """
    columns = [*_fields(metadata), *(field for field in added if field.name != CLIP_SCORE)]
    features = {field.name: _feature(field.type) for field in columns}
    return pa.schema(
        columns,
        metadata={
            METADATA_KEY: _json(_footer(metadata)),
            b"huggingface": _json({"info": {"features": features}}),
        },
    )


def _footer(metadata: ShardMetadata) -> dict[str, Any]:
    """The fields of a footer; `joined` is there where tokens were joined, as few sets are."""
    values = dict(sorted(asdict(metadata).items()))
    joined = {name: _footer(one) for name, one in sorted(metadata.joined.items())}
    values.pop(_JOINED)
    return values | ({_JOINED: joined} if joined else {})


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()  # each shard holds it twice


def column_encodings(metadata: ShardMetadata) -> dict[str, Encoding]:
    """How columns are written that are smaller so, by their paths in Parquet; others are plain."""
    encodings: dict[str, Encoding] = {"license": "DICTIONARY", "source": "DICTIONARY"}
    for name, tokens in metadata.tokens.items():
        few = tokens.num_codes <= DICTIONARY_CODES
        encodings[f"{name}.list.element"] = "DICTIONARY" if few else "BYTE_STREAM_SPLIT"
    if metadata.tokenizer_sha256:
        encodings["text_tokens.list.element"] = "DICTIONARY"
    return encodings


def companion(column: str, name: str) -> str:
    """The column that goes with one of tokens, whose name ends as that does.

    Args:
        column: of tokens, such as `image_tokens_vqgan`.
        name: what goes with `image_tokens`: `token_shape` or `token_margins`.
    """
    return f"{name}{column.removeprefix(IMAGE_TOKENS)}"


def token_fields(metadata: ShardMetadata, column: str = IMAGE_TOKENS) -> list[pa.Field]:
    """The columns of tokens: the codes and, where rows differ, the shape of each."""
    token = pa.from_numpy_dtype(token_dtype(metadata.num_codes))
    if metadata.token_shape is not None:
        length = metadata.num_tokens * metadata.codebooks
        return [pa.field(column, _list_of(token, length))]
    shape = pa.field(companion(column, TOKEN_SHAPE), _list_of(pa.uint16()), nullable=False)
    return [pa.field(column, _list_of(token)), shape]


def _fields(metadata: ShardMetadata) -> list[pa.Field]:
    return [
        pa.field("key", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        *token_fields(metadata),
        pa.field("text_tokens", _list_of(pa.uint16())),
        pa.field("view", pa.uint8(), nullable=False),
        pa.field("crop", _list_of(pa.uint16(), 4)),
        pa.field("flipped", pa.bool_(), nullable=False),
        pa.field("width", pa.uint32(), nullable=False),
        pa.field("height", pa.uint32(), nullable=False),
        pa.field(CLIP_SCORE, pa.float32()),
        pa.field("phash", pa.uint64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("page_url", pa.string(), nullable=False),
        pa.field("license", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("source_key", pa.string()),
    ]


def _list_of(item: pa.DataType, length: int = -1) -> pa.DataType:
    """A list of fixed length, or of any."""
    return pa.list_(pa.field("element", item), length)


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """A type as `datasets` writes it."""
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "length": kind.list_size, "_type": "List"}
    names = {"halffloat": "float16", "float": "float32", "double": "float64"}
    return {"dtype": names.get(str(kind), str(kind)), "_type": "Value"}


# Of token shards, in order: `token_shape` where rows differ, all others in each.
_ANY_SHAPE = ShardMetadata("", "", None, None, 1, (0, 1), "", "", "")
COLUMNS = {field.name: field.type for field in _fields(_ANY_SHAPE)}
ADDED_IN_VERSION_2 = {"flipped": False, "source_key": None}  # and what rows before it have

"""What a token shard is: its columns, and the metadata in its footer that says what they mean."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = 1
METADATA_KEY = b"dalle"
DICTIONARY_COLUMNS = ["image_tokens.list.element", "text_tokens.list.element"]


@dataclass(frozen=True)
class ShardMetadata:
    """What the tokens of a shard mean; stored in the Parquet footer.

    Args:
        schema_version: of the columns.
        codec: name of the dVAE.
        codec_sha256: of its weights file.
        grid: tokens along one edge.
        num_codes: every image token is below it.
        side: edge of the encoded square, in pixels.
        pixel_range: of the encoder's input, as in `[0.1, 0.9]` for the logit-Laplace map.
        preprocessing: digest of the crop and scaling settings.
        tokenizer_sha256: of the text tokenizer behind `text_tokens`; empty, as the column is null
            in every shard so far: captions are tokenised when they are loaded.
        fingerprint: of the encode stage.
    """

    schema_version: int
    codec: str
    codec_sha256: str
    grid: int
    num_codes: int
    side: int
    pixel_range: tuple[float, float]
    preprocessing: str
    tokenizer_sha256: str
    fingerprint: str


def token_schema(metadata: ShardMetadata, added: Sequence[pa.Field] = ()) -> pa.Schema:
    """Arrow schema of a version 1 token shard, with its metadata and `huggingface` features.

    Args:
        metadata: for the footer.
        added: columns of numbers or text that a run appends to those of version 1, such as scores.
    """
    tokens = metadata.grid**2
    fields = [*_fields(tokens), *added]
    features = _features(tokens) | {field.name: _value(str(field.type)) for field in added}
    return pa.schema(
        fields,
        metadata={
            METADATA_KEY: json.dumps(asdict(metadata), sort_keys=True).encode(),
            b"huggingface": json.dumps({"info": {"features": features}}).encode(),
        },
    )


def _fields(tokens: int) -> list[pa.Field]:
    return [
        pa.field("key", pa.string(), nullable=False),
        pa.field("caption", pa.string(), nullable=False),
        pa.field("image_tokens", pa.list_(pa.field("element", pa.uint16()), tokens)),
        pa.field("text_tokens", pa.list_(pa.field("element", pa.uint16()))),
        pa.field("view", pa.uint8(), nullable=False),
        pa.field("crop", pa.list_(pa.field("element", pa.uint16()), 4)),
        pa.field("width", pa.uint32(), nullable=False),
        pa.field("height", pa.uint32(), nullable=False),
        pa.field("clip_score", pa.float32()),
        pa.field("phash", pa.uint64(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("page_url", pa.string(), nullable=False),
        pa.field("license", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
    ]


def _features(tokens: int) -> dict[str, Any]:
    value: dict[str, Any] = {
        name: _value(dtype)
        for name, dtype in (
            ("key", "string"),
            ("caption", "string"),
            ("view", "uint8"),
            ("width", "uint32"),
            ("height", "uint32"),
            ("clip_score", "float32"),
            ("phash", "uint64"),
            ("sha256", "string"),
            ("url", "string"),
            ("page_url", "string"),
            ("license", "string"),
            ("source", "string"),
            ("name", "string"),
        )
    }
    token = _value("uint16")
    value["image_tokens"] = {"feature": token, "length": tokens, "_type": "List"}
    value["text_tokens"] = {"feature": token, "_type": "List"}
    value["crop"] = {"feature": token, "length": 4, "_type": "List"}
    return value


def _value(dtype: str) -> dict[str, Any]:
    names = {"float": "float32", "double": "float64"}  # as `datasets` calls what Arrow calls so
    return {"dtype": names.get(dtype, dtype), "_type": "Value"}


COLUMNS = tuple(field.name for field in _fields(1))  # of every token shard, in order

import json

import pyarrow as pa

from dalle_model.shard_schema import token_schema
from dalle_model.tokenizers.registry import load_codec
from pipelines.encode.margins import MARGINS, margins_field
from pipelines.encode.shard import shard_metadata


def test_the_column_comes_last_and_the_footer_describes_it():
    metadata = shard_metadata(load_codec("demo"), "f")
    plain = token_schema(metadata)
    schema = token_schema(metadata, [margins_field(metadata)])
    assert schema.names == [*plain.names, MARGINS]
    assert schema.field(MARGINS).type == pa.list_(pa.field("element", pa.float16()), 64)
    features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    assert features[MARGINS]["length"] == features["image_tokens"]["length"] == 64
    assert schema.metadata[b"dalle"] == plain.metadata[b"dalle"]

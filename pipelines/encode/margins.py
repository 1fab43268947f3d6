"""The column of margins: by how much the logit of each token exceeds the second best."""

import json

import pyarrow as pa

MARGINS = "token_margins"
_FEATURES = b"huggingface"


def with_margins(schema: pa.Schema) -> pa.Schema:
    """The schema of token shards with margins behind all else, one float16 for each image token.

    Half precision, of 11 bits: what is asked of a margin is whether it is small.
    """
    tokens = schema.field("image_tokens").type.list_size
    element = pa.field("element", pa.float16())
    described = json.loads(schema.metadata[_FEATURES])
    described["info"]["features"][MARGINS] = {
        "feature": {"dtype": "float16", "_type": "Value"},
        "length": tokens,
        "_type": "List",
    }
    metadata = schema.metadata | {_FEATURES: json.dumps(described).encode()}
    return schema.append(pa.field(MARGINS, pa.list_(element, tokens))).with_metadata(metadata)

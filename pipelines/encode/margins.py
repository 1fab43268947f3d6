"""The column of margins: by how much the logit of each token exceeds the second best."""

import pyarrow as pa

from dalle_model.shard_schema import TOKEN_MARGINS, ShardMetadata

MARGINS = TOKEN_MARGINS


def margins_field(metadata: ShardMetadata) -> pa.Field:
    """The column that is added to token shards: one float16 for each image token.

    Half precision, of 11 bits: what is asked of a margin is whether it is small.
    """
    element = pa.field("element", pa.float16())
    is_any = metadata.token_shape is None
    length = -1 if is_any else metadata.num_tokens * metadata.codebooks
    return pa.field(MARGINS, pa.list_(element, length))

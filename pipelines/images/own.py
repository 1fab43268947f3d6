"""Images of one's own, decoded in the process that calls: no sandbox stands around the decoder."""

from typing import Any

import pyarrow as pa

from dalle_model import files, png
from dalle_model.tokenizers.codec import CodecFacts
from pipelines.images.config import ANY_ASPECT, ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.rules import UnusableImageError
from pipelines.images.size import shrink
from pipelines.records import IMAGE_SCHEMA, Candidate
from pipelines.rejection import Rejection, reject
from pipelines.sameness.hashes import phash

Row = dict[str, Any]

# What is encoded and carried of an image; what only its copies are found by is left out.
_NOT_MADE = {"full_image", "pixel_hash", "sketch", "thumbnail"}
SCHEMA = pa.schema([field for field in IMAGE_SCHEMA if field.name not in _NOT_MADE])


def config_for(facts: CodecFacts) -> ImagesConfig:
    """Settings that keep all that a codec can encode, at the size at which it encodes them."""
    height, width = facts.image_shape
    return ImagesConfig(
        side=max(facts.image_shape),
        resize=facts.resample,
        max_aspect=ANY_ASPECT,
        crop="center" if height == width else "none",
    )


def image_row(candidate: Candidate, encoded: bytes, config: ImagesConfig) -> Row | Rejection:
    """A row of `SCHEMA`, whose values are those that the images stage gives it; else why not.

    A crafted file can break into a decoder: for strangers' bytes use the stage, which decodes in a
    process that can do no harm.

    Args:
        candidate: whose image it is.
        encoded: the file.
        config: allowed formats and limits, and the size; of full decoding.
    """
    row = candidate._asdict()
    try:
        found = decode(encoded, config)
    except UnusableImageError as error:
        return reject(row, "images", error.check)
    stored = shrink(found, config)
    made = {
        "image": png.encode(stored, level=0),  # read again at once
        "width": found.width,
        "height": found.height,
        "sha256": files.sha256(encoded),
        "phash": phash(stored),
    }
    return {name: (row | made)[name] for name in SCHEMA.names}

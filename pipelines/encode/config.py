"""Settings of the encode stage."""

from importlib.metadata import version
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dalle_model.tokenizers.registry import codec_sha256, inspect_codec
from pipelines.records import CODEC_RESAMPLE, CODEC_SIDE, GRID, NUM_CODES
from pipelines.stage import Facts

# Counts in the manifest, of the images that carry a second image decoded in full.
IMAGES_COMPARED, TOKENS_COMPARED, TOKENS_EQUAL = (
    "images_compared",
    "tokens_compared",
    "tokens_equal",
)
# The same of the sample that is encoded again (`proof`): tokens that differ, and images of it whose
# first encoding was in bfloat16.
IMAGES_PROVEN, TOKENS_PROVEN = "images_proven", "tokens_proven"
DIFFER_BY_BATCH, DIFFER_FROM_EXACT = "tokens_differ_by_batch", "tokens_differ_from_exact"
IMAGES_BFLOAT16, IMAGES_UNPROVEN = "images_proven_of_bfloat16", "images_failed_when_proven"


class EncodeConfig(BaseModel):
    """Which codec turns images into tokens, and how.

    Args:
        codec: `demo` for the shipped weights, the URL of a checkpoint, or the name of one that an
            installed package adds, with what it shall load after a colon.
        mode: `exact` has one batch size, one thread and float32, so that equal images are equal
            tokens; `fast` has the precision and the batch size that are fastest on the machine, and
            may flip near-ties. Either way one image in 64 is encoded again, and what differs is
            counted.
        batch_size: images in one call of the encoder, of `fast` at most; a different size may flip
            near-ties.
        margin: whether each token comes with its margin, best minus second-best logit, in a column
            `token_margins`.
        views: crops of each image; only the centre crop, view 0, is supported.
        text_tokens: the file of a text tokenizer, such as another run's `bpe/bpe.json`, by which
            captions become ids in the column `text_tokens`; none where it is not set.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: str = "demo"
    mode: Literal["exact", "fast"] = "exact"
    batch_size: int = Field(default=32, ge=1, le=4096)
    margin: bool = False
    views: int = Field(default=1, ge=1, le=1)
    text_tokens: str | None = None
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)


def dependencies(codec: str | None) -> dict[str, str]:
    """The codec's weights and torch, whose kernels decide the last bits of the logits.

    Args:
        codec: name or URL; None where the run trains its own, which is an input then.

    Raises:
        CodecError: there is no such codec, or it cannot be used.
    """
    weights = {} if codec is None else {"codec": codec_sha256(codec)}
    return weights | {"torch": version("torch")}


def text_dependencies(text_tokens: str | None) -> dict[str, str]:
    """The text tokenizer and the library that runs it; nothing where none is named.

    Raises:
        VocabError: there is no such tokenizer, or it cannot be used.
    """
    if text_tokens is None:
        return {}
    from pipelines.encode.text import load_tokenizer  # loads the library

    return {"text_tokens": load_tokenizer(text_tokens).sha256, "tokenizers": version("tokenizers")}


def codec_facts(codec: str) -> Facts:
    """What the file of a codec fixes of the tokens; raises as `dependencies`."""
    found = inspect_codec(codec)
    facts: dict[str, object] = {
        CODEC_SIDE: max(found.image_shape),
        CODEC_RESAMPLE: found.resample,
        NUM_CODES: found.num_codes,
    }
    rows, *columns = found.token_shape
    return facts | ({GRID: rows} if columns == [rows] else {})

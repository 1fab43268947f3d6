"""Settings of the encode stage."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from dalle_model.buckets import MAX_ASPECT
from dalle_model.cuts import Shape
from dalle_model.shard_schema import CENTRE
from dalle_model.tokenizers.registry import codec_bytes, codec_sha256, inspect_codec, takes_shapes
from dalle_model.views import MAX_VIEWS, ViewName, names_of
from pipelines.records import CODEC_BYTES, CODEC_RESAMPLE, CODEC_SIDE, GRID, NUM_CODES

NOT_IN_LIKE = "not_in_like"  # the reason of rows that are not in the shards of `encode.like`
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
TEXT_DEPENDENCIES = ("text_tokens", "tokenizers")  # the file of a text tokenizer, and its library


class EncodeConfig(BaseModel):
    """Which codec turns images into tokens, and how.

    Args:
        codec: `demo` for the shipped weights, the URL of a checkpoint, or the name of one that an
            installed package adds, with what it shall load after a colon.
        mode: `exact` has one batch size, one thread and float32, so that equal images are equal
            tokens; `fast` has the precision and the batch size that are fastest on the machine, and
            may flip near-ties. Either way one image in 64 is encoded again, and what differs is
            counted.
        device: on which the codec runs: `cpu`, or a graphics card as torch names it, such as `cuda`
            or `cuda:1`. Its codes may differ from those of the processor where two nearly tie, and
            are then those of another work.
        batch_size: images in one call of the encoder, of `fast` at most; a different size may flip
            near-ties.
        margin: whether each token comes with its margin, best minus second-best logit, in a column
            `token_margins`.
        views: what is encoded of each image (docs/views.md): `centre`; `flip`, its mirror image;
            `dvae` and `prior`, the random crops of the paper's two trainings; `ten_crop`, which is
            ten; `aspect`, nearly all of it in a shape of its own. One may come more than once.
        seed: of the random views.
        max_aspect: of the shapes of the view `aspect`, longer by shorter edge; of images that are
            longer, the ends are cut off.
        like: a folder of token shards, or a run, whose rows and crops are taken in place of views;
            rows that are not there are dropped.
        text_tokens: the file of a text tokenizer, such as another run's `bpe/bpe.json`, by which
            captions become ids in the column `text_tokens`; none where it is not set.
        max_reject_rate: share of rows dropped above which the stage fails.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    codec: str = "demo"
    mode: Literal["exact", "fast"] = "exact"
    device: str = Field(default="cpu", pattern=r"^(cpu|cuda(:\d+)?)$")
    batch_size: int = Field(default=32, ge=1, le=4096)
    margin: bool = False
    views: tuple[ViewName, ...] = Field(default=(CENTRE,), min_length=1)
    seed: int = Field(default=0, ge=0)
    max_aspect: float = Field(default=MAX_ASPECT, ge=1, le=16)
    like: str | None = None
    text_tokens: str | None = None
    max_reject_rate: float = Field(default=1.0, ge=0, le=1)

    @model_validator(mode="after")
    def _views_are_some(self) -> Self:
        if self.like is not None and self.views != (CENTRE,):
            raise ValueError("`like` takes the views of other shards: leave out `views`, or `like`")
        if (count := len(names_of(self.views))) > MAX_VIEWS:
            raise ValueError(f"views are {count} of each image, and at most {MAX_VIEWS} can be")
        return self


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

    file, library = TEXT_DEPENDENCIES
    return {file: load_tokenizer(text_tokens).sha256, library: version(library)}


def like_dependencies(like: str | None, codec: str | None) -> dict[str, str]:
    """The token shards whose crops are taken; nothing where none are named.

    Args:
        like: URL of their folder, or of their run.
        codec: as of `dependencies`.

    Raises:
        LikeError: they cannot be used, or not with this codec.
    """
    if like is None:
        return {}
    from pipelines.encode.like import like_sha256, open_like  # loads what reads shards

    if codec is None:
        return {"like": like_sha256(open_like(like))}
    shape, patch = inspect_codec(codec).image_shape, patch_of_codec(codec)
    return {"like": like_sha256(open_like(like, shape, patch))}


def like_side(codec: str, config: EncodeConfig) -> int:
    """Edge of the squares, in pixels, that have as many tokens as rows of `like` have; 0 for none.

    Where those have token shapes of their own, the codec's own side says nothing of them.

    Raises:
        LikeError: there are no such shards.
    """
    patch = patch_of_codec(codec)
    if config.like is None or patch is None:
        return 0
    from pipelines.encode.like import grid_of

    return grid_of(config.like) * max(patch)


def patch_of_codec(codec: str) -> Shape | None:
    """As `shapes.patch_of`; raises as `dependencies`."""
    from pipelines.encode.shapes import patch_of

    return patch_of(inspect_codec(codec), takes_shapes(codec))


def view_names(config: EncodeConfig) -> Sequence[str]:
    """The names of the views that are encoded; raises LikeError where other shards have none."""
    if config.like is None:
        return config.views
    from pipelines.encode.like import views_of

    return views_of(config.like)


def refuse_one_shape(codec: str, config: EncodeConfig) -> None:
    """Raise OneShapeError where views are of shapes that a codec cannot have."""
    from pipelines.encode.shapes import buckets_of

    buckets_of(inspect_codec(codec), takes_shapes(codec), config)


def num_views(config: EncodeConfig) -> int:
    """How many rows one of images becomes; raises as `view_names`."""
    names = view_names(config)
    return max(1, len(names if config.like else names_of(names)))


def codec_facts(codec: str) -> dict[str, Any]:
    """What the file of a codec fixes of the tokens; raises as `dependencies`."""
    found = inspect_codec(codec)
    facts: dict[str, Any] = {
        CODEC_BYTES: codec_bytes(codec),
        CODEC_SIDE: max(found.image_shape),
        CODEC_RESAMPLE: found.resample,
        NUM_CODES: found.num_codes,
    }
    rows, *columns = found.token_shape
    return facts | ({GRID: rows} if columns == [rows] else {})

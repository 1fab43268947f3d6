"""What it takes to encode an image, by codec, as far as that is measured; for plans alone."""

from dataclasses import dataclass
from functools import partial
from math import log, prod

from dalle_model.cuts import Shape
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.registry import codec_bytes, codec_kind, inspect_codec
from pipelines.stage import Cost

SOURCE = "docs/benchmarks.md; `python -m benchmarks.codecs`"
SHIPPED_CPU_S = 0.0012  # of an image, by the codec that ships
STORED_BYTES = 198  # of a row of the codec that ships, whose 64 codes are 128 of them


@dataclass(frozen=True)
class Rate:
    """What an image was measured to take.

    Args:
        codec: in words.
        kind: of its checkpoint.
        patch: edge of a token, in pixels.
        num_bytes: of its checkpoint, by which models of a kind are told apart.
        image_shape: height and width, in pixels.
        cpu_s: of one core without bfloat16, in float32.
    """

    codec: str
    kind: str
    patch: int
    num_bytes: float
    image_shape: Shape
    cpu_s: float


# Source: docs/benchmarks.md#codecs, on Zen 3.
RATES = (
    Rate("a dVAE of the released sizes", "dvae", 8, 390e6, (256, 256), 4.8),
    Rate("a vq of the default sizes", "vq", 8, 4.6e6, (64, 64), SHIPPED_CPU_S),
    Rate("a vq of the default sizes", "vq", 8, 4.6e6, (128, 128), 0.0055),
    Rate("a VQGAN as f16-16384", "vqgan", 16, 290e6, (256, 256), 3.3),
    Rate("a VQGAN as gumbel f8-8192", "vqgan", 8, 276e6, (256, 256), 4.1),
)


def cost_of(codec: str) -> Cost:
    """What a row costs with a codec: as it was measured, or as the nearest one that was.

    The pixels of another shape are counted as so many more: models of convolutions take as long for
    each. Codes hardly compress.

    Args:
        codec: name or URL.

    Raises:
        CodecError: it is missing or corrupt.
    """
    facts = inspect_codec(codec)
    distance = partial(_distance, facts, codec_kind(codec), codec_bytes(codec))
    near = min(RATES, key=distance)
    code_bytes = prod(facts.codes_shape) * facts.dtype.itemsize
    return Cost(
        cpu_s=near.cpu_s * prod(facts.image_shape) / prod(near.image_shape),
        stored_bytes=STORED_BYTES - 128 + code_bytes,
        source=SOURCE,
        assumes=_said(facts, near, is_measured=not any(distance(near))),
    )


def _distance(
    facts: CodecFacts, kind: str, num_bytes: int, rate: Rate
) -> tuple[bool, bool, float, float]:
    """How unlike a codec is to one that was measured, weightiest first; all 0 where it is that."""
    try:
        has_patch = facts.patch == (rate.patch, rate.patch)
    except ValueError:  # no grid of patches
        has_patch = False
    sizes = round(abs(log(num_bytes / rate.num_bytes)), 1) if num_bytes else 0.0
    shapes = zip(facts.image_shape, rate.image_shape, strict=True)
    return kind != rate.kind, not has_patch, sizes, sum(abs(log(a / b)) for a, b in shapes)


def _said(facts: CodecFacts, near: Rate, *, is_measured: bool) -> str:
    height, width = near.image_shape
    known = f"{near.codec}, of {height} x {width} px, which takes {near.cpu_s:.2g} CPU s an image"
    if is_measured:
        return f"by {known} (measured: docs/benchmarks.md)"
    height, width = facts.image_shape
    return (
        f"{facts.name}, of {height} x {width} px, is not measured: counted by its pixels as {known}"
    )

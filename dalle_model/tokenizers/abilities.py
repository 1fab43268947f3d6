"""What a codec may offer beyond `Codec`; where it does not, less is offered and no more asked."""

import os
from typing import Protocol, runtime_checkable

from dalle_model.pixels import Codes, Floats, Rgb
from dalle_model.tokenizers.codec import Codec, CodecError


@runtime_checkable
class GivesMargins(Protocol):
    """A codec that tells how sure its codes are."""

    def encode_with_margins(self, images: Rgb) -> tuple[Codes, Floats]:
        """The codes of `encode`, and float32 `(B, grid * grid)`: best minus second-best logit."""
        ...


@runtime_checkable
class TakesShapes(Protocol):
    """A codec that is not bound to the one shape of its facts: of any whole number of patches."""

    def with_shape(self, image_shape: tuple[int, int]) -> Codec:
        """The same codec, with the same weights, of images of another shape.

        Args:
            image_shape: height and width, in pixels.

        Raises:
            ValueError: as `CodecFacts.of_shape`, by which its facts are made.
        """
        ...


@runtime_checkable
class EncodesInParts(Protocol):
    """A codec that takes a few images of a batch at a time.

    Attributes:
        images_at_once: how many; the codes of an image do not depend on those of other parts.
    """

    images_at_once: int


@runtime_checkable
class HasFastForm(Protocol):
    """A codec that is faster where a few codes, those of near-ties, may be others.

    Attributes:
        precision: of its encoder, such as `float32`.
    """

    precision: str

    def in_fast_form(self) -> Codec:
        """The same codec in the form that is fastest on this machine."""
        ...


def of_shape(codec: Codec, image_shape: tuple[int, int]) -> Codec:
    """A codec for images of a shape: itself where that is its own.

    Raises:
        ValueError: it takes no other, or not this one.
    """
    if codec.facts.image_shape == image_shape:
        return codec
    if not isinstance(codec, TakesShapes):
        raise ValueError(f"codec {codec.facts.name} encodes images of its own shape alone")
    return codec.with_shape(image_shape)


@runtime_checkable
class MovesToDevices(Protocol):
    """A codec that can run elsewhere than on the processor."""

    def on_device(self, device: str) -> Codec:
        """The same codec on a device, as torch names it, such as `cuda:0`; it encodes there.

        Codes may differ from those of the processor where two logits nearly tie.
        """
        ...


def on_device(codec: Codec, device: str) -> Codec:
    """A codec on a device; itself on `cpu`.

    On another one, this process multiplies in float32 from then on, where torch would round the
    factors of convolutions to 10 bits, and lets cuBLAS be asked for the same sums each time.
    Source: PyTorch, "CUDA semantics", TensorFloat-32; `torch.use_deterministic_algorithms`.

    Raises:
        CodecError: it runs on the processor alone, or torch sees no such device.
    """
    if device == "cpu":
        return codec
    if isinstance(codec, MovesToDevices):
        import torch

        check_device(device)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.allow_tf32 = False
        return codec.on_device(device)
    raise CodecError(
        f"codec {codec.facts.name} runs on the processor alone; choose the device `cpu`, or give "
        "its class a method `on_device`"
    )


def check_device(device: str) -> None:
    """Raise CodecError where a device is a graphics card, and torch sees none."""
    import torch

    if device.startswith("cuda") and not torch.cuda.is_available():
        raise CodecError(
            f"device {device}: torch sees no graphics card here; choose the device `cpu`, or "
            "see to its driver"
        )


def part_size(codec: Codec, batch_size: int) -> int:
    """How many images of a batch a codec takes at a time; all where it does not say."""
    if not isinstance(codec, EncodesInParts):
        return batch_size
    return min(batch_size, codec.images_at_once)


def fast_form(codec: Codec) -> Codec:
    """The fast form of a codec; itself where it has no other."""
    return codec.in_fast_form() if isinstance(codec, HasFastForm) else codec


def precision_of(codec: Codec) -> str:
    """Of a codec's encoder, such as `bfloat16`; `float32` where it does not say."""
    return codec.precision if isinstance(codec, HasFastForm) else "float32"

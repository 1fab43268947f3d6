"""The interface of an image tokenizer: images to codes and back."""

from importlib.resources import files as package_files
from typing import Protocol

from dalle_model.checkpoint import checkpoint_sha256
from dalle_model.pixels import Codes, Rgb

MAX_CODES = 1 << 16  # shards store codes as uint16
_SHIPPED = {"demo": "demo_dvae.safetensors"}


class Codec(Protocol):
    """A trained image tokenizer.

    Attributes:
        name: as recorded in shards.
        sha256: of its weights file.
        side: edge of the images, in pixels.
        grid: tokens along one edge.
        num_codes: every code is below it.
        pixel_range: lowest and highest value of the encoder's input.
    """

    name: str
    sha256: str
    side: int
    grid: int
    num_codes: int
    pixel_range: tuple[float, float]

    def encode(self, images: Rgb) -> Codes:
        """Codes uint16 `(B, grid * grid)`, raster order, of RGB uint8 `(B, side, side, 3)`."""
        ...

    def decode(self, codes: Codes) -> Rgb:
        """RGB uint8 `(B, side, side, 3)` of codes `(B, grid * grid)`."""
        ...


def codec_url(name_or_url: str) -> str:
    """URL of a codec's weights: a shipped codec is given by name, any other by its URL."""
    if name_or_url in _SHIPPED:
        return str(package_files("dalle_model").joinpath("weights", _SHIPPED[name_or_url]))
    return name_or_url


def codec_sha256(name_or_url: str) -> str:
    """SHA-256 of a codec's weights file, without loading it; see `checkpoint_sha256`.

    Raises:
        CheckpointError: there is none.
    """
    return checkpoint_sha256(codec_url(name_or_url), "dvae")


def load_codec(name_or_url: str) -> Codec:
    """Load the shipped codec by the name `demo`, or a dVAE checkpoint by its URL.

    Raises:
        CheckpointError: missing, corrupt, of another kind or architecture.
    """
    from dalle_model.tokenizers.dvae_codec import DvaeCodec  # loads torch

    return DvaeCodec.load(codec_url(name_or_url))

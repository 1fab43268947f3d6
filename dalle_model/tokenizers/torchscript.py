"""A codec as an exported encoder and decoder: what the YAML file beside them says, without torch.

    encoder: encoder.pt        # counted from the YAML file
    decoder: decoder.pt        # may be left out
    image_shape: [256, 256]    # height and width, in pixels
    token_shape: [16, 16]
    num_codes: 64000
    pixel_range: [-1, 1]
    resample: bicubic

`codebooks` (1) and `order` (raster) may be added, and `dtype` (float32), that of the encoder's
input. The encoder takes pixels `(B, 3, height, width)` in the range and returns codes, alone or
first in a tuple; the decoder takes those codes and returns pixels.

TorchScript is a program, which runs when it is loaded: take it only from whom you trust.
"""

import json
import posixpath
from dataclasses import dataclass
from typing import Any, Literal, get_args

import yaml

from dalle_model import files
from dalle_model.tokenizers.codec import CodecError, CodecFacts
from dalle_model.tokenizers.facts import name_of

SUFFIXES = (".yaml", ".yml")
DType = Literal["float32", "bfloat16", "float16"]
_MAX_YAML = 1 << 16  # chosen: bytes; such a file has some 300
_NEEDED = ("encoder", "image_shape", "token_shape", "num_codes", "pixel_range", "resample")
_OPTIONAL = ("decoder", "codebooks", "order", "dtype")


@dataclass(frozen=True)
class Script:
    """An exported codec.

    Args:
        facts: what its codes are; the digest is of both archives and all settings.
        encoder: URL of its archive.
        decoder: URL of its archive; None for an encoder alone.
        dtype: of the pixels that the encoder takes.
    """

    facts: CodecFacts
    encoder: str
    decoder: str | None
    dtype: DType


def read_script(url: str) -> Script:
    """What a YAML file and the archives that it names are.

    Raises:
        CodecError: a file is missing, or a setting is missing, unknown or makes no sense.
    """
    try:
        settings = _settings(files.read_bytes(url))
        encoder, decoder = (_located(url, settings.get(half)) for half in ("encoder", "decoder"))
        return _script(url, settings, str(encoder), decoder)
    except FileNotFoundError as error:
        raise CodecError(f"no codec at {url}: {error}; it needs the archives it names") from error
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise CodecError(
            f"{url} describes no codec: {str(error)[:300]}; docs/codecs.md shows the form"
        ) from error


def _script(url: str, settings: dict[str, Any], encoder: str, decoder: str | None) -> Script:
    dtype = next((known for known in get_args(DType) if known == settings["dtype"]), None)
    if dtype is None:
        raise ValueError(f"dtype {settings['dtype']!r} is none of {', '.join(get_args(DType))}")
    digests = [files.sha256_while_same(half) for half in (encoder, decoder) if half is not None]
    low, high = settings["pixel_range"]
    facts = CodecFacts(
        name=name_of(url),
        sha256=files.sha256(json.dumps([settings, digests], sort_keys=True).encode()),
        image_shape=_whole(settings["image_shape"]),  # type: ignore[arg-type]  # checked there
        token_shape=_whole(settings["token_shape"]),
        num_codes=settings["num_codes"],
        resample=settings["resample"],
        pixel_range=(float(low), float(high)),
        codebooks=settings["codebooks"],
        order=settings["order"],
        encoder_only=decoder is None,
    )
    return Script(facts, encoder, decoder, dtype)


def _settings(content: bytes) -> dict[str, Any]:
    if len(content) > _MAX_YAML:
        raise ValueError(f"{len(content)} bytes are no description of a codec")
    found = yaml.safe_load(content)
    if not isinstance(found, dict):
        raise TypeError("it is no mapping")
    if missing := [name for name in _NEEDED if name not in found]:
        raise ValueError(f"`{missing[0]}` is missing")
    if unknown := sorted(map(str, found.keys() - {*_NEEDED, *_OPTIONAL})):
        raise ValueError(f"`{unknown[0]:.40}` is no setting")
    return {"codebooks": 1, "order": "raster", "dtype": "float32"} | found


def _whole(shape: list[int]) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise ValueError(f"{shape} is no shape")
    return tuple(shape)


def _located(url: str, path: str | None) -> str | None:
    """The URL of an archive, whose path counts from the folder of the YAML file."""
    if path is None or files.is_url(path):
        return path
    return posixpath.join(posixpath.dirname(url), path)

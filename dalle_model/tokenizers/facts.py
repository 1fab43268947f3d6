"""What the checkpoints of codecs say of their codes, read without torch: a function a kind."""

import posixpath
from collections.abc import Mapping
from typing import Any

from dalle_model.checkpoint import CheckpointError
from dalle_model.config import (
    FIRST_RESAMPLE,
    LOGIT_LAPLACE_EPS,
    RESAMPLES,
    DvaeConfig,
    Resample,
)
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.vqgan_config import VQGAN_RANGE, VqganConfig


def dvae_facts(
    url: str, sha256: str, config: Mapping[str, Any], extra: Mapping[str, Any]
) -> CodecFacts:
    """What a dVAE checkpoint says of its codes.

    Args:
        url: of the checkpoint; its base name is the codec's.
        sha256: of the file.
        config: of `DvaeConfig.to_dict`.
        extra: may name the filter of the training images.

    Raises:
        CheckpointError: the config is of another program version.
    """
    try:
        shape = DvaeConfig.from_dict(dict(config))
        return CodecFacts(
            name=name_of(url),
            sha256=sha256,
            image_shape=shape.image_shape,
            token_shape=shape.token_shape,
            num_codes=shape.num_codes,
            resample=trained_resample(extra),
            pixel_range=(LOGIT_LAPLACE_EPS, 1 - LOGIT_LAPLACE_EPS),
        )
    except (TypeError, ValueError) as error:
        raise _of_another_version(
            url, error, "`dalle train dvae` makes a new checkpoint"
        ) from error


def vqgan_facts(
    url: str, sha256: str, config: Mapping[str, Any], extra: Mapping[str, Any]
) -> CodecFacts:
    """What a VQGAN checkpoint says of its codes; arguments and errors as of `dvae_facts`.

    Args:
        url: of the checkpoint.
        sha256: of the file.
        config: of `VqganConfig.to_dict`.
        extra: may name the filter of the training images.
    """
    try:
        shape = VqganConfig.from_dict(dict(config))
        return CodecFacts(
            name=name_of(url),
            sha256=sha256,
            image_shape=shape.image_shape,
            token_shape=shape.token_shape,
            num_codes=shape.num_codes,
            resample=trained_resample(extra),
            pixel_range=VQGAN_RANGE,
        )
    except (TypeError, ValueError) as error:
        raise _of_another_version(url, error, "`dalle convert` makes a new one") from error


def trained_resample(extra: Mapping[str, Any]) -> Resample:
    """The filter that a checkpoint names; that of the first codecs where it names none.

    Raises:
        ValueError: this program has no such filter.
    """
    named = extra.get("resample", FIRST_RESAMPLE)
    found = next((known for known in RESAMPLES if known == named), None)
    if found is None:
        raise ValueError(f"images scaled by {str(named)[:50]!r}, not by {' or '.join(RESAMPLES)}")
    return found


def name_of(url: str) -> str:
    """The name of a codec, as shards record it: that of its file, without the suffix."""
    return posixpath.splitext(posixpath.basename(url))[0]


def _of_another_version(url: str, error: Exception, remedy: str) -> CheckpointError:
    return CheckpointError(
        f"{url} has the config of another program version: {str(error)[:200]}; {remedy}"
    )

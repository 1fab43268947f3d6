"""What the checkpoints of codecs say of their codes, read without torch: a function a kind."""

import posixpath
from collections.abc import Callable, Mapping
from functools import partial
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
from dalle_model.tokenizers.vq_config import VQ_RANGE, VqConfig
from dalle_model.tokenizers.vqgan_config import VQGAN_RANGE, VqganConfig

_LOGIT_LAPLACE_RANGE = (LOGIT_LAPLACE_EPS, 1 - LOGIT_LAPLACE_EPS)


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
    remedy = "`dalle train dvae` makes a new checkpoint"
    parse = partial(DvaeConfig.from_dict, dict(config))
    return _facts(url, sha256, extra, parse, _LOGIT_LAPLACE_RANGE, remedy)


def vq_facts(
    url: str, sha256: str, config: Mapping[str, Any], extra: Mapping[str, Any]
) -> CodecFacts:
    """What a checkpoint of kind `vq` says of its codes; arguments and errors as of `dvae_facts`.

    Args:
        url: of the checkpoint.
        sha256: of the file.
        config: of `VqConfig.to_dict`.
        extra: may name the filter of the training images.
    """
    remedy = "`dalle train vq` makes a new checkpoint"
    parse = partial(VqConfig.from_dict, dict(config))
    return _facts(url, sha256, extra, parse, VQ_RANGE, remedy)


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
    remedy = "`dalle convert` makes a new one"
    parse = partial(VqganConfig.from_dict, dict(config))
    return _facts(url, sha256, extra, parse, VQGAN_RANGE, remedy)


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


def _facts(
    url: str,
    sha256: str,
    extra: Mapping[str, Any],
    parse: Callable[[], DvaeConfig | VqConfig | VqganConfig],
    pixel_range: tuple[float, float],
    remedy: str,
) -> CodecFacts:
    try:
        sizes = parse()
        if isinstance(sizes, VqganConfig):
            pixel_range = sizes.pixel_range
        return CodecFacts(
            name=name_of(url),
            sha256=sha256,
            image_shape=sizes.image_shape,
            token_shape=sizes.token_shape,
            num_codes=sizes.num_codes,
            resample=trained_resample(extra),
            pixel_range=pixel_range,
        )
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{url} has the config of another program version: {str(error)[:200]}; {remedy}"
        ) from error

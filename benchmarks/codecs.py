"""`python -m benchmarks.codecs [NAME ...]`: what an image takes of one core, codec by codec.

Models have random weights, on which the time does not depend, and run as `exact` does: one thread,
float32, small images 32 at a time. The median of three turns. Estimates of a run's size count on
these figures (`pipelines/encode/rates.py`).
"""

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from dalle_model.config import DvaeConfig
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.dvae import Dvae
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts, vq_facts, vqgan_facts
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.vq import Vq
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.tokenizers.vqgan import Vqgan
from dalle_model.tokenizers.vqgan_codec import VqganCodec
from dalle_model.tokenizers.vqgan_config import VqganConfig

TURNS, BATCH, SMALL = 3, 32, 128  # a small image's edge, in pixels


def _dvae(config: DvaeConfig) -> Codec:
    return DvaeCodec(Dvae(config), dvae_facts("dvae", "", config.to_dict(), {}))


def _vq(config: VqConfig) -> Codec:
    return VqCodec(Vq(config), vq_facts("vq", "", config.to_dict(), {}))


def _vqgan(config: VqganConfig) -> Codec:
    return VqganCodec(Vqgan(config), vqgan_facts("vqgan", "", config.to_dict(), {}))


GUMBEL = VqganConfig(8192, ch_mult=(1, 1, 2, 4), attn_levels=(3,), quantizer="gumbel")
CODECS: dict[str, Callable[[], Codec]] = {
    "demo": lambda: load_codec("demo"),
    "dvae": lambda: _dvae(DvaeConfig()),
    "vq-64": lambda: _vq(VqConfig()),
    "vq-128": lambda: _vq(VqConfig(image_shape=(128, 128))),
    "f16-16384": lambda: _vqgan(VqganConfig()),
    "f16-1024": lambda: _vqgan(VqganConfig(num_codes=1024)),
    "llamagen-16": lambda: _vqgan(VqganConfig(embed_dim=8, quantizer="cosine")),
    "gumbel-f8": lambda: _vqgan(GUMBEL),
}


def seconds(codec: Codec) -> float:
    """CPU seconds of this process for an image."""
    shape = codec.facts.image_shape
    count = BATCH if max(shape) <= SMALL else 1
    images = np.random.default_rng(0).integers(0, 256, (count, *shape, 3)).astype(np.uint8)
    found = []
    with pinned_kernels():
        codec.encode(images)  # the first time, kernels are chosen
        for _ in range(TURNS):
            began = time.process_time()
            codec.encode(images)
            found.append((time.process_time() - began) / count)
    return statistics.median(found)


def main(names: list[str]) -> None:
    """Print a row for each codec."""
    print("| codec | px | images/CPU-s | CPU s an image |\n| --- | --- | ---: | ---: |")
    for name in names or CODECS:
        codec = CODECS[name]()
        taken, (height, width) = seconds(codec), codec.facts.image_shape
        print(f"| {name} | {height} x {width} | {1 / taken:.2f} | {taken:.2g} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

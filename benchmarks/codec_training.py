"""Memory of training a dVAE on many images: `python -m benchmarks.codec_training 30000 256`.

The model is one of a few thousand weights, so what is resident beside torch is due to the images:
none of them is held. They take 3 bytes a pixel on the disk of the temporary folder meanwhile.
"""

import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np

from dalle_model.config import DvaeConfig
from dalle_model.data.augment import Augmentation
from dalle_model.pixels import Rgb
from dalle_model.progress import ignore_steps
from dalle_model.settings import DvaeTraining
from dalle_model.threads import torch_threads
from dalle_model.train.dvae import train_dvae
from dalle_model.train.images import ImageSource, open_training_images

FEW = 64


def measure(count: int, side: int) -> None:
    """Print the largest resident memory of a training on few images, and on many."""
    for number in sorted({FEW, count}):
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            found = other.submit(resident_mb, number, side).result()
        print(f"{found:6.0f} MB: {number:,} images of {side} px", flush=True)


def resident_mb(count: int, side: int) -> float:
    """The largest resident memory of this process, after some steps on images."""
    source = ImageSource("random images", "", lambda: _images(count, side))
    config = DvaeConfig(side, 64, hidden=4, bottleneck=4, blocks_per_group=1)
    settings = DvaeTraining(steps=5, batch_size=4, augment="shift", max_shift=4)
    with tempfile.TemporaryDirectory() as folder, torch_threads(1):
        augmentation = Augmentation("shift", side, settings.max_shift)
        images = open_training_images(source, f"{folder}/dvae.safetensors", augmentation)
        train_dvae(images, config, settings, ignore_steps)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # KiB on Linux


def _images(count: int, side: int) -> Iterator[tuple[str, Rgb]]:
    """Distinct images that are made fast: one of noise, whose first pixels are a number."""
    rgb = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    for number in range(count):
        rgb.reshape(-1)[:8] = np.frombuffer(number.to_bytes(8, "little"), np.uint8)
        yield f"{number:024x}", rgb


if __name__ == "__main__":
    measure(*map(int, sys.argv[1:]))

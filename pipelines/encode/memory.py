"""How much memory a process needs that encodes, by the size of its codec and of a batch."""

from math import ceil

from pipelines.encode.config import EncodeConfig
from pipelines.records import CODEC_BYTES, CODEC_SIDE
from pipelines.stage import Facts

_GIB = 1024**3
# Measured: torch, the shipped codec and a shard of any size take 1.05 GB; chosen: half more.
_PROCESS = _GIB * 3 // 2
_LEAST = 2 * _GIB  # chosen: what other stages ask for, so that machines need not differ
_COPIES = 3  # of the weights; chosen: as read, as the model has them, and as they are laid out
# Feature maps of what goes through a model at once, for each pixel. Measured: one image of 256 px
# takes 0.36 GB in f16-16384 of taming-transformers, which is 5.5 kB, 0.29 GB in the released dVAE.
_MAPS = 6 * 1024
# Of each image of a batch, for each pixel; chosen: its bytes while it waits, and its input in
# float32 with what that is made of.
_INPUT = 64
_STEP = _GIB // 4


def ram_bytes(config: EncodeConfig, facts: Facts) -> int:
    """Memory of a machine with one such process, in steps of 256 MiB.

    Args:
        config: its batch size.
        facts: of the codec; of one that the run trains, whose file is not there yet, the side.
    """
    pixels = int(facts.get(CODEC_SIDE, 0)) ** 2
    weights = _COPIES * int(facts.get(CODEC_BYTES, 0))
    needed = _PROCESS + weights + pixels * (_MAPS + _INPUT * config.batch_size)
    return max(_LEAST, ceil(needed / _STEP) * _STEP)

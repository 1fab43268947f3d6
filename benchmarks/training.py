"""Memory of training the prior on token shards: `python -m benchmarks.training 1000000`.

The model is one of a few thousand weights, so what is resident beside torch is due to the rows.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.reader import write_shards
from dalle_model.config import PriorConfig
from dalle_model.progress import ignore_steps
from dalle_model.settings import PairChoice, PriorTraining
from dalle_model.shards import list_shards
from dalle_model.train.prior import train_from_shards
from dalle_model.vocab import CaptionTokenizer, train_bpe

GRID, SHARD_ROWS = 8, 65_536
MODEL = PriorConfig(
    text_vocab=300, text_len=32, image_vocab=8192, grid=GRID, layers=1, heads=1, head_dim=8,
    conv_kernel=3,
)  # fmt: skip
STEPS = PriorTraining(steps=20, batch_size=32, bpe_dropout=0.1, threads=1, workers=0)
CHOICES = {
    "all rows": PairChoice(),
    "rows with captions of their own": PairChoice(has_distinct_captions=True),
}


def measure(num_rows: int) -> None:
    """Print the largest resident memory of each training, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        _apart(write_shards, Path(folder, "shards"), -(-num_rows // SHARD_ROWS), SHARD_ROWS, GRID)
        urls = list_shards(str(Path(folder, "shards")))
        few = _apart(resident_mb, urls[:1], folder, PairChoice(max_images=1))
        print(f"{few:6.0f} MB: one row of {SHARD_ROWS:,}")
        for name, choice in CHOICES.items():
            print(f"{_apart(resident_mb, urls, folder, choice):6.0f} MB: {name}", flush=True)


def resident_mb(urls: list[str], folder: str, choice: PairChoice) -> float:
    """The largest resident memory of this process, after some steps on rows of shards."""
    tokenizer = CaptionTokenizer(train_bpe(["a picture of thing 1"], 300))
    out_url = str(Path(folder, "prior.safetensors"))
    metrics = train_from_shards(urls, tokenizer, out_url, MODEL, STEPS, choice, ignore_steps)
    print(f"{metrics['pairs']:10,} rows", end=" ")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000  # KiB on Linux


def _apart(work: Callable[..., Any], *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        return other.submit(work, *arguments).result()


if __name__ == "__main__":
    measure(int(sys.argv[1]))

"""A run that takes seconds: a few captioned images, all stages up to a prior of two steps."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq

from dalle_model.pixels import to_png
from tests.support.commands import dalle
from tests.support.image_rows import noise

NUM_IMAGES = 6
CAPTION = "a photograph of number {} at rest"
CONFIG = """\
name: tiny
num_shards: 2
crawl: {sources: [{path: images}]}
images: {side: 64, resize: lanczos}
"""
MODELS = """\
bpe: {vocab_size: 300}
prior: {training: {steps: 2, batch_size: 4, warmup_steps: 1}}
"""


def write_tiny_config(folder: Path, extra: str = "") -> Path:
    """Images, their captions and a config, in a folder of their own."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    for number in range(NUM_IMAGES):
        (images / f"{number}.png").write_bytes(to_png(noise(number, 64, 80)))
        (images / f"{number}.txt").write_text(CAPTION.format(number))
    path = folder / "tiny.yaml"
    path.write_text(CONFIG + extra)
    return path


def run_tiny(config: Path, root: Path) -> Path:
    """The directory of a finished run."""
    dalle("run", "--config", config, "--dir", root)
    return root


def mix_codecs(root: Path, copy: Path) -> Path:
    """A copy of a run whose second token shard says that another codec made it."""
    shutil.copytree(root, copy)
    part = sorted((copy / "encode").glob("part-*"))[1]
    table = pq.read_table(part)
    metadata = dict(table.schema.metadata)
    metadata[b"dalle"] = metadata[b"dalle"].replace(b'"codec_sha256": "', b'"codec_sha256": "00')
    pq.write_table(table.replace_schema_metadata(metadata), part)
    return copy

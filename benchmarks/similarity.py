"""Stored images and their captions to scores, against open_clip's own loop of the same model."""

import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import safetensors.torch
import torch
from PIL import Image

from benchmarks.measure import Row, race, speed
from dalle_model.clip.registry import load_scorer
from dalle_model.pixels import to_png
from pipelines.similarity.scoring import score_rows

NUM_IMAGES, SIDE, BATCH = 256, 64, 32
CAPTION = "a photograph of thing number {} on a wooden table"
# Of random weights, which take as long as any. Chosen: the sizes of the CLIP that ships, with
# open_clip's own text tokenizer.
SMALL: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": SIDE,
        "patch_size": 16,
        "width": 128,
        "layers": 4,
        "head_width": 32,
    },
    "text_cfg": {
        "context_length": 20,
        "vocab_size": 49408,
        "width": 128,
        "heads": 4,
        "layers": 2,
    },
}


def measure() -> list[Row]:
    """Images per CPU-second, decoding of the stored PNG included."""
    model = open_clip.model.CLIP(**SMALL).eval()
    rows = [_row(number) for number in range(NUM_IMAGES)]
    with tempfile.TemporaryDirectory() as name:
        scorer = load_scorer(_written(model, Path(name)))
    times = race(lambda: score_rows(rows, scorer.score, {}), lambda: list(_peer(model, rows)))
    other = f"peer: open_clip's loop, batches of {BATCH}, same weights"
    note = f"{NUM_IMAGES} images of {SIDE} px, a caption each, a CLIP of {_millions(model):.1f} M"
    return [speed("Image and caption to score", "images", other, NUM_IMAGES, times, note)]


def _row(number: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    small = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return {
        "key": f"{number:040x}",
        "caption": CAPTION.format(number),
        "sha256": f"{number:064x}",
        "image": to_png(np.asarray(image)),
    }


def _written(model: torch.nn.Module, folder: Path) -> str:
    (folder / "small.json").write_text(json.dumps(SMALL))
    safetensors.torch.save_file(model.state_dict(), folder / "small.safetensors")
    return f"{folder}/small.json@{folder}/small.safetensors"


def _peer(model: Any, rows: list[dict[str, Any]]) -> Iterator[torch.Tensor]:
    """As in open_clip's README, in batches."""
    transform = open_clip.image_transform(SIDE, is_train=False)
    tokenize = open_clip.SimpleTokenizer(context_length=20)
    for start in range(0, len(rows), BATCH):
        some = rows[start : start + BATCH]
        images = torch.stack([transform(Image.open(io.BytesIO(row["image"]))) for row in some])
        ids = tokenize([row["caption"] for row in some])
        with torch.no_grad():
            of_images, of_texts = model.encode_image(images), model.encode_text(ids)
            of_images = of_images / of_images.norm(dim=-1, keepdim=True)
            of_texts = of_texts / of_texts.norm(dim=-1, keepdim=True)
            yield (of_images * of_texts).sum(dim=-1)


def _millions(model: torch.nn.Module) -> float:
    return sum(weight.numel() for weight in model.parameters()) / 1e6

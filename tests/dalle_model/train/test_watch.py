"""Pictures through a training: of the same rows, by the same seed, and without a trace in it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from dalle_model.config import DvaeConfig
from dalle_model.progress import ignore_steps
from dalle_model.settings import DvaeTraining, PairChoice, PriorTraining, VqTraining
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train import dvae, vq
from dalle_model.train.prior import train_from_shards
from dalle_model.train.recorder import read_lines
from dalle_model.train.watch import NOWHERE, Logs
from tests.support.codecs import write_codec
from tests.support.edges import edges
from tests.support.priors import TINY, tiny_tokenizer
from tests.support.token_shards import pair_rows, write_token_shard
from tests.support.training_images import source_of

PRIOR = PriorTraining(
    steps=5, batch_size=4, warmup_steps=1, precision="float32", workers=0, learning_rate=0.1,
    ema_decay=0.0, token_noise=0.5, grid_every=2,
)  # fmt: skip
CODEC = DvaeConfig(side=24, num_codes=16, hidden=8, bottleneck=8, blocks_per_group=1)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "grids").iterdir())}


def test_a_prior_is_seen_at_fixed_captions_and_learns_the_same_without(tmp_path):
    sha256 = write_codec(f"{tmp_path}/codec.safetensors", CODEC)
    rows = pair_rows(24)
    shards = [write_token_shard(tmp_path / "part-0.parquet", rows, codec_sha256=sha256)]
    choice = PairChoice(held_out=0.3)
    for name, logs in {
        "seen": Logs(f"{tmp_path}/logs", f"{tmp_path}/codec.safetensors"),
        "unseen": NOWHERE,
        "again": Logs(f"{tmp_path}/again", f"{tmp_path}/codec.safetensors"),
    }.items():
        out_url = f"{tmp_path}/{name}.safetensors"
        train_from_shards(
            shards, tiny_tokenizer(), out_url, TINY, PRIOR, choice, ignore_steps, logs
        )
    weights = [Path(f"{tmp_path}/{name}.safetensors").read_bytes() for name in ("seen", "unseen")]
    assert weights[0] == weights[1]
    seen = pictures(tmp_path / "logs")
    assert list(seen) == ["step-000002.png", "step-000004.png", "step-000005.png"]
    assert seen == pictures(tmp_path / "again")
    assert len(set(seen.values())) > 1
    with Image.open(tmp_path / "logs" / "grids" / "step-000005.png") as sheet:
        assert (sheet.width, sheet.mode) == (8 + 5 * 136, "RGB")


def test_codecs_are_seen_at_held_out_images_and_learn_the_same_without(tmp_path):
    images = source_of(edges(64))
    trainings: dict[str, tuple[Any, Any, Any]] = {
        "dvae": (
            dvae.train_from_images,
            DvaeConfig(side=32, num_codes=16, hidden=8, bottleneck=8, blocks_per_group=1),
            DvaeTraining(steps=3, batch_size=4, precision="float32", grid_every=2),
        ),
        "vq": (
            vq.train_from_images,
            VqConfig(8, 16, width=16, encoder_blocks=1, decoder_blocks=1, image_shape=(32, 32)),
            VqTraining(steps=3, decay_steps=1, batch_size=4, precision="float32", grid_every=2),
        ),
    }
    for name, (train, config, settings) in trainings.items():
        out_url, logs = f"{tmp_path}/{name}.safetensors", Logs(f"{tmp_path}/{name}")
        train(images, out_url, config, settings, ignore_steps, logs=logs)
        seen = Path(out_url).read_bytes()
        train(images, out_url, config, replace(settings, grid_every=None), ignore_steps)
        tensors = [saved[-len(seen) // 2 :] for saved in (seen, Path(out_url).read_bytes())]
        assert tensors[0] == tensors[1]
        assert list(pictures(tmp_path / name)) == ["step-000002.png", "step-000003.png"]
        lines = read_lines(f"{tmp_path}/{name}/metrics.jsonl")
        assert [line["step"] for line in lines] == [1, 2, 3]
        assert "held_out_psnr" in lines[-1]
        assert all(line["images_per_s"] > 0 for line in lines)

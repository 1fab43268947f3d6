"""Codecs trained by two processes, against one; bounds are those of `test_parallel`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from dalle_model.checkpoint import load_checkpoint
from dalle_model.config import DvaeConfig
from dalle_model.settings import DvaeTraining, VqTraining
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train import dvae, vq
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.images import ImagesError, image_file
from dalle_model.train.parallel import joined_rows
from dalle_model.train.place import joined
from tests.support.edges import edges
from tests.support.ranks import in_ranks
from tests.support.training_images import source_of

RATE = 1e-3
DVAE = DvaeConfig(16, 8, hidden=8, bottleneck=8, blocks_per_group=1)
DVAE_TRAINING = DvaeTraining(
    steps=4, batch_size=5, accumulation=2, augment="shift", max_shift=1, ema_decay=0.5,
    learning_rate=(RATE, RATE), kl_weight=6.6, kl_steps=0, precision="float32", threads=1,
    keep_finished=True, checkpoint_every=2, measure_every=2,
)  # fmt: skip
VQ = VqConfig(8, 16, width=8, encoder_blocks=1, decoder_blocks=1, image_shape=(16, 16))
VQ_TRAINING = VqTraining(
    steps=4, decay_steps=0, warmup_steps=2, batch_size=5, accumulation=2, learning_rate=RATE,
    matrix_rate=RATE, max_shift=1, ema_decay=0.5, codebook_decay=0.9, precision="float32",
    keep_finished=True, checkpoint_every=2, measure_every=2,
)  # fmt: skip

Told = list[dict[str, float]]


def images(number: int = 48) -> Any:
    return edges(number)[:, ::2, ::2]


def train_dvae(url: str, settings: DvaeTraining) -> tuple[Told, dict[str, Any]]:
    told: Told = []
    source = source_of(images())
    found = dvae.train_from_images(source, url, DVAE, settings, lambda *a: told.append(dict(a[2])))
    return told, found


def train_vq(url: str, settings: VqTraining) -> tuple[Told, dict[str, Any]]:
    told: Told = []
    source = source_of(images())
    found = vq.train_from_images(source, url, VQ, settings, lambda *a: told.append(dict(a[2])))
    return told, found


def train_both(folder: str, steps: Sequence[int] = (4,)) -> list[tuple[Told, dict[str, Any]]]:
    """A dVAE and a VQ-VAE, each to so many steps and on."""
    with joined("cpu"):
        return [
            *(
                train_dvae(f"{folder}/dvae.safetensors", replace(DVAE_TRAINING, steps=n))
                for n in steps
            ),
            *(train_vq(f"{folder}/vq.safetensors", replace(VQ_TRAINING, steps=n)) for n in steps),
        ]


def untimed(told: Told) -> Told:
    return [{n: v for n, v in line.items() if not n.endswith("_per_s")} for line in told]


def assert_near(folder: Path, other: Path) -> None:
    for name in ("dvae", "vq"):
        found, expected = (
            load_checkpoint(f"{f}/{name}.safetensors", name).tensors for f in (folder, other)
        )
        assert found.keys() == expected.keys()
        for key, weight in expected.items():
            torch.testing.assert_close(found[key], weight, rtol=0, atol=RATE / 10)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("alone")
    return folder, train_both(str(folder))


def test_two_processes_train_what_one_does(tmp_path: Path, alone: tuple[Path, Any]) -> None:
    """Of five images of a step, in two parts each; figures and codes in use are those of all."""
    first, second = in_ranks(2, train_both, str(tmp_path))
    folder, expected = alone
    assert_near(tmp_path, folder)
    for (told, found), (told_alone, found_alone) in zip(first, expected, strict=True):
        for line, line_alone in zip(untimed(told), untimed(told_alone), strict=True):
            assert line == pytest.approx(line_alone, rel=1e-5)
        assert found == pytest.approx(found_alone, rel=1e-3)
    assert [(told, found) for told, found in second] == [([], found) for _, found in first]
    assert not Path(image_file(f"{tmp_path}/dvae.safetensors")).exists()


@pytest.mark.parametrize("ranks", [(1, 2), (2, 1)])
def test_another_number_of_processes_goes_on(
    tmp_path: Path, alone: tuple[Path, Any], ranks: tuple[int, int]
) -> None:
    in_ranks(ranks[0], train_both, str(tmp_path), (2,))
    found, *_ = in_ranks(ranks[1], train_both, str(tmp_path), (4,))
    assert [len(told) for told, _ in found] == [2, 2]
    assert_near(tmp_path, alone[0])
    runs = {path.parent.parent for path in tmp_path.rglob("checkpoint.json")}
    assert sorted(run.parent.name for run in runs) == [
        f"{name}.safetensors{SUFFIX}" for name in ("dvae", "vq")
    ]


def of_too_few(url: str) -> str:
    with joined("cpu"), pytest.raises(ImagesError) as error:
        dvae.train_from_images(source_of(images(1)), url, DVAE, DVAE_TRAINING, lambda *_: None)
    return str(error.value)


def test_what_the_first_cannot_open_ends_all(tmp_path: Path) -> None:
    first, second = in_ranks(2, of_too_few, f"{tmp_path}/x")
    assert first == second
    assert "too few images to train on" in first


def rows_of_all() -> list[int]:
    with joined("cpu") as place:
        return [int(n) for n in joined_rows(torch.full((3 - place.rank,), place.rank), place)]


def test_rows_are_joined_by_rank_whatever_their_number() -> None:
    assert in_ranks(2, rows_of_all) == [[0, 0, 0, 1, 1]] * 2

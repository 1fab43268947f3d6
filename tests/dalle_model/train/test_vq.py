import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import load_checkpoint
from dalle_model.data.augment import Augmentation
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.settings import VqTraining
from dalle_model.tokenizers.facts import vq_facts
from dalle_model.tokenizers.registry import load_codec
from dalle_model.tokenizers.vq_codec import VqCodec
from dalle_model.tokenizers.vq_config import VqConfig
from dalle_model.train.images import ImagesError
from dalle_model.train.kmeans import fit_centroids, quantise
from dalle_model.train.vq import context_share, train_from_images, train_vq
from tests.support.edges import edges
from tests.support.training_images import source_of, training_images

# Few codes and slanted edges: the patches around a patch help to predict what it shows.
CONFIG = VqConfig(8, 16, width=32, encoder_blocks=1, decoder_blocks=2, image_shape=(32, 32))
SETTINGS = VqTraining(
    steps=120, decay_steps=60, warmup_steps=5, batch_size=16, ema_decay=0.9, codebook_decay=0.9,
    kmeans_iterations=5, precision="float32", checkpoint_every=20,
)  # fmt: skip


class KilledError(Exception):
    """Simulates a killed process."""


def ignore(*_):
    """An `OnStep` that does nothing."""


def noting(seen):
    return lambda done, total, recent: seen.append((done, total, dict(recent)))


def killed_at(step):
    def on_step(done, *_):
        if done == step:
            raise KilledError

    return on_step


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return shifted(tmp_path_factory.mktemp("images"), edges(96))


def shifted(folder, images):
    return training_images(folder, images, Augmentation("shift", 32, SETTINGS.max_shift))


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_held_out_images_beat_k_means_and_codes_depend_on_what_is_around(images, tmp_path):
    model = train_vq(images, CONFIG, SETTINGS, ignore)
    codec = VqCodec(model, vq_facts("x", "", CONFIG.to_dict(), {}))
    held_out = edges(32, seed=1)
    reached = psnr(held_out, codec.decode(codec.encode(held_out)))
    baseline = psnr(held_out, quantise(held_out, fit_centroids(edges(96), 8, 20, seed=0)))
    assert reached > baseline + 2
    assert context_share(codec, shifted(tmp_path, held_out).train) > 0.02


def test_a_resumed_run_is_bit_exact(images, tmp_path):
    settings, url = replace(SETTINGS, steps=50, decay_steps=20), f"{tmp_path}/vq.safetensors"
    seen: list[tuple[int, int, dict[str, float]]] = []
    again: list[tuple[int, int, dict[str, float]]] = []
    straight = train_vq(images, CONFIG, settings, noting(seen))
    for step in (27, 45):  # at constant rate, and while it falls
        with pytest.raises(KilledError):
            train_vq(images, CONFIG, settings, killed_at(step), url)
    resumed = train_vq(images, CONFIG, settings, noting(again), url)
    assert again == seen[40:]
    assert same(straight.state_dict(), resumed.state_dict())


@pytest.mark.parametrize(("saved_at", "is_constant"), [(20, True), (40, False)])
def test_a_run_with_another_end_goes_on_and_is_the_same_while_the_rate_is_constant(
    saved_at, is_constant, images, tmp_path
):
    url, first = f"{tmp_path}/vq.safetensors", replace(SETTINGS, steps=60, decay_steps=30)
    with pytest.raises(KilledError):
        train_vq(images, CONFIG, first, killed_at(saved_at + 1), url)
    longer = replace(first, steps=70, decay_steps=35, checkpoint_every=10, kmeans_iterations=1)
    steps = []
    resumed = train_vq(images, CONFIG, longer, lambda done, *_: steps.append(done), url)
    assert steps[0] == saved_at + 1
    straight = train_vq(images, CONFIG, longer, ignore)
    assert same(straight.state_dict(), resumed.state_dict()) == is_constant


@pytest.mark.parametrize(
    "other",
    [{"seed": 1}, {"batch_size": 8}, {"commitment": 0.5}, {"max_shift": 1}],
)
def test_a_state_of_other_settings_is_not_continued(other, images, tmp_path):
    url, settings = f"{tmp_path}/vq.safetensors", replace(SETTINGS, steps=6, decay_steps=1)
    settings = replace(settings, checkpoint_every=2)
    with pytest.raises(KilledError):
        train_vq(images, CONFIG, settings, killed_at(3), url)
    steps = []
    changed = replace(settings, **other)
    train_vq(images, CONFIG, changed, lambda done, *_: steps.append(done), url)
    assert steps[0] == 1


def test_a_state_of_other_images_is_not_continued(images, tmp_path):
    url = f"{tmp_path}/vq.safetensors"
    settings = replace(SETTINGS, steps=4, decay_steps=1, checkpoint_every=2)
    with pytest.raises(KilledError):
        train_vq(images, CONFIG, settings, killed_at(3), url)
    steps = []
    train_vq(
        shifted(tmp_path, edges(80)), CONFIG, settings, lambda done, *_: steps.append(done), url
    )
    assert steps[0] == 1


def test_images_become_a_codec_with_its_measures(tmp_path):
    url = f"{tmp_path}/vq.safetensors"
    settings = replace(SETTINGS, steps=4, decay_steps=2)
    metrics = train_from_images(source_of(edges(48)), url, CONFIG, settings, ignore, "bicubic")
    assert (metrics["images"], metrics["held_out"]) == (45, 3)
    assert metrics["psnr"] == pytest.approx(metrics["kmeans_psnr"], abs=3)
    assert 0 <= metrics["context_share"] <= 1
    checkpoint = load_checkpoint(url, "vq")
    assert checkpoint.extra["metrics"] == json.loads(json.dumps(metrics))
    codec = load_codec(url)
    assert (codec.facts.num_codes, codec.facts.resample) == (8, "bicubic")
    assert [path.name for path in tmp_path.iterdir()] == ["vq.safetensors"]
    assert codec.decode(np.zeros((1, 16), np.uint16)).shape == (1, 32, 32, 3)


def test_too_few_images_to_hold_some_out_is_one_clear_message(tmp_path):
    with pytest.raises(
        ImagesError, match=r"too few images to train on.*: 1 to train on and 0 held"
    ):
        train_from_images(source_of(edges(1)), f"{tmp_path}/x", CONFIG, SETTINGS, ignore)

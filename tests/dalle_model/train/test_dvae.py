import logging
from dataclasses import replace

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import load_checkpoint
from dalle_model.config import DvaeConfig
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.settings import DvaeTraining
from dalle_model.tokenizers.devices import multiplies_bfloat16
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.tokenizers.registry import load_codec
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.code_use import CODES_USED, PERPLEXITY
from dalle_model.train.dvae import train_dvae, train_from_images
from dalle_model.train.images import ImagesError, image_file
from dalle_model.train.step import DivergedError
from tests.support.edges import edges
from tests.support.training_images import source_of, training_images

CONFIG = DvaeConfig(32, 8, hidden=8, bottleneck=8, blocks_per_group=1)
SETTINGS = DvaeTraining(
    steps=100,
    batch_size=8,
    augment="shift",
    learning_rate=(3e-3, 1e-4),
    learning_rate_steps=100,
    temperature_steps=80,
    kl_weight=0,
    ema_decay=0.9,
)


class KilledError(Exception):
    """Simulates a killed process."""


def ignore(*_):
    """An `OnStep` that does nothing."""


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return training_images(tmp_path_factory.mktemp("few"), edges(32))


def flat(model):
    return torch.cat([p.flatten() for p in model.parameters()])


def test_the_loss_falls_and_held_out_images_come_back_better_than_as_their_mean(tmp_path):
    images, losses = training_images(tmp_path, edges(96)), []
    model = train_dvae(images, CONFIG, SETTINGS, lambda i, n, terms: losses.append(terms["loss"]))
    codec = DvaeCodec(model, dvae_facts("x", "", model.config.to_dict(), {}))
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    held_out = images.held_out.first(6)
    reached = psnr(held_out, codec.decode(codec.encode(held_out)))
    mean = np.broadcast_to(np.rint(held_out.mean((0, 1, 2))).astype(np.uint8), held_out.shape)
    assert reached > psnr(held_out, mean) + 1


def test_equal_seeds_give_equal_weights_and_other_seeds_do_not(few):
    settings = replace(SETTINGS, steps=3)

    def weights(seed):
        torch.rand(seed + 1)  # the global state must not matter
        return flat(train_dvae(few, CONFIG, replace(settings, seed=seed), ignore))

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_the_precision_is_a_setting(few):
    def weights(precision):
        settings = replace(SETTINGS, steps=2, precision=precision)
        return flat(train_dvae(few, CONFIG, settings, ignore))

    exact, mixed = weights("float32"), weights("bfloat16")
    assert not torch.equal(exact, mixed)
    assert torch.equal(weights("auto"), mixed if multiplies_bfloat16() else exact)


def test_each_step_tells_the_terms_of_its_loss_and_the_use_of_codes(few):
    settings = replace(SETTINGS, steps=20, temperature=(1.0, 0.5), kl_weight=6.6, kl_steps=10)
    seen = []
    train_dvae(few, CONFIG, settings, lambda *a: seen.append(a))
    assert [step for step, _, _ in seen] == list(range(1, 21))
    terms = {"loss", "nll", "kl", "gradient_norm", "held_out_psnr", CODES_USED, PERPLEXITY}
    assert seen[-1][2].keys() == terms


@pytest.mark.parametrize("augment", ["shift", "listing1"])
def test_a_run_that_was_killed_ends_bit_for_bit_as_one_that_was_not(tmp_path, augment):
    settings = replace(SETTINGS, steps=12, checkpoint_every=4, augment=augment, kl_weight=6.6)
    source = source_of([np.pad(image, ((0, 16), (0, 30), (0, 0))) for image in edges(40)])
    straight, told = f"{tmp_path}/straight.safetensors", []
    train_from_images(
        source, straight, CONFIG, settings, lambda *a: told.append((a[0], dict(a[2])))
    )
    url, again = f"{tmp_path}/killed.safetensors", []

    def killed(step):
        def on_step(done, _total, recent):
            again.append((done, dict(recent)))
            if done == step:
                raise KilledError

        return on_step

    for step in (6, 11):
        with pytest.raises(KilledError):
            train_from_images(source, url, CONFIG, settings, killed(step))
        assert (tmp_path / f"killed.safetensors{SUFFIX}").exists()
    train_from_images(source, url, CONFIG, settings, killed(None))
    assert [step for step, _ in again] == [*range(1, 7), *range(5, 12), *range(9, 13)]
    assert again[-4:] == told[-4:]
    one, other = (load_checkpoint(path, "dvae") for path in (straight, url))
    assert one.extra == other.extra
    assert all(torch.equal(value, other.tensors[name]) for name, value in one.tensors.items())
    assert not (tmp_path / f"killed.safetensors{SUFFIX}").exists()


def test_accumulation_changes_rounding_alone(few):
    settings = replace(SETTINGS, steps=2, precision="float32", kl_weight=6.6, kl_steps=0)
    whole = flat(train_dvae(few, CONFIG, settings, ignore))
    parts = flat(train_dvae(few, CONFIG, replace(settings, accumulation=3), ignore))
    assert torch.allclose(whole, parts, rtol=1e-4, atol=1e-6)


def test_an_infinite_loss_is_an_error_that_names_the_setting(few):
    with pytest.raises(DivergedError, match=r"lower `dvae\.training\.learning_rate`"):
        train_dvae(few, CONFIG, replace(SETTINGS, learning_rate=(1e30, 1e30)), ignore)


def test_a_planted_collapse_is_told_early_and_a_run_that_learns_is_told_nothing(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr("dalle_model.train.code_use._SETTLED_STEPS", 40)
    images = training_images(tmp_path, [image[::2, ::2] for image in edges(32)])
    settings = replace(SETTINGS, steps=60)
    config = replace(CONFIG, side=16, num_codes=16)
    with caplog.at_level(logging.WARNING):
        train_dvae(images, config, settings, ignore)
        assert not caplog.records
        train_dvae(images, config, replace(settings, kl_weight=1e4, kl_steps=0), ignore)
    (record,) = caplog.records
    assert "the codec has collapsed: after 40 steps" in record.getMessage()
    assert "nats (kl): lower `dvae.training.kl_weight` (10000)" in record.getMessage()


def test_images_become_a_codec_with_its_measures(tmp_path):
    url = f"{tmp_path}/out/dvae.safetensors"
    settings = replace(SETTINGS, steps=2)
    metrics = train_from_images(source_of(edges(40)), url, CONFIG, settings, ignore, "bicubic")
    assert (metrics["images"], metrics["held_out"]) == (38, 2)
    assert 0 < metrics["codes_used"] <= CONFIG.num_codes
    assert load_checkpoint(url, "dvae").extra["metrics"] == metrics
    codec = load_codec(url)
    assert (codec.facts.num_codes, codec.facts.resample) == (CONFIG.num_codes, "bicubic")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["dvae.safetensors"]


def test_too_few_images_to_hold_some_out_is_one_clear_message(tmp_path):
    with pytest.raises(
        ImagesError, match=r"too few images to train on.*: 1 to train on and 0 held"
    ):
        train_from_images(source_of(edges(1)), f"{tmp_path}/x", CONFIG, SETTINGS, ignore)
    assert image_file(f"{tmp_path}/x") == f"{tmp_path}/x.images"

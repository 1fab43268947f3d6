from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from dalle_model.checkpoint import load_checkpoint
from dalle_model.config import DvaeConfig
from dalle_model.evaluate.reconstruction import psnr
from dalle_model.settings import DvaeTraining
from dalle_model.tokenizers.devices import multiplies_bfloat16
from dalle_model.tokenizers.dvae_codec import DvaeCodec
from dalle_model.tokenizers.facts import dvae_facts
from dalle_model.tokenizers.registry import load_codec
from dalle_model.train.dvae import train_dvae, train_from_images
from dalle_model.train.images import ImagesError, distinct_images, read_image_folder
from dalle_model.train.step import DivergedError
from tests.support.edges import edges

CONFIG = DvaeConfig(32, 8, hidden=8, bottleneck=8, blocks_per_group=1)
SETTINGS = DvaeTraining(
    steps=100,
    batch_size=8,
    learning_rate=(3e-3, 1e-4),
    learning_rate_steps=100,
    temperature_steps=80,
    kl_weight=0,
    ema_decay=0.9,
)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_loss_falls_and_held_out_images_come_back_better_than_as_their_mean():
    held_out, losses = edges(32, seed=1), []
    model = train_dvae(
        edges(96), held_out, CONFIG, SETTINGS, lambda i, n, terms: losses.append(terms["loss"])
    )
    codec = DvaeCodec(model, dvae_facts("x", "", model.config.to_dict(), {}))
    assert np.mean(losses[-10:]) < np.mean(losses[:10])
    reached = psnr(held_out, codec.decode(codec.encode(held_out)))
    mean = np.broadcast_to(np.rint(held_out.mean((0, 1, 2))).astype(np.uint8), held_out.shape)
    assert reached > psnr(held_out, mean) + 1


def test_equal_seeds_give_equal_weights_and_other_seeds_do_not():
    settings = replace(SETTINGS, steps=3)

    def weights(seed):
        torch.rand(seed + 1)  # the global state must not matter
        model = train_dvae(
            edges(8), edges(2, seed=1), CONFIG, replace(settings, seed=seed), lambda *_: None
        )
        return torch.cat([p.flatten() for p in model.parameters()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_the_precision_is_a_setting():
    def weights(precision):
        settings = replace(SETTINGS, steps=2, precision=precision)
        model = train_dvae(edges(8), edges(2, seed=1), CONFIG, settings, lambda *_: None)
        return torch.cat([p.flatten() for p in model.parameters()])

    exact, mixed = weights("float32"), weights("bfloat16")
    assert not torch.equal(exact, mixed)
    assert torch.equal(weights("auto"), mixed if multiplies_bfloat16() else exact)


def test_each_step_tells_the_terms_of_its_loss():
    settings = replace(SETTINGS, steps=20, temperature=(1.0, 0.5), kl_weight=6.6, kl_steps=10)
    seen = []
    train_dvae(edges(8), edges(2, seed=1), CONFIG, settings, lambda *a: seen.append(a))
    assert [step for step, _, _ in seen] == list(range(1, 21))
    assert seen[-1][2].keys() == {"loss", "nll", "kl", "gradient_norm", "held_out_psnr"}


def test_an_infinite_loss_is_an_error_that_names_the_setting():
    with pytest.raises(DivergedError, match=r"lower `dvae\.training\.learning_rate`"):
        train_dvae(
            edges(8),
            edges(2, seed=1),
            CONFIG,
            replace(SETTINGS, learning_rate=(1e30, 1e30)),
            lambda *_: None,
        )


def test_a_folder_of_images_becomes_a_codec_with_its_measures(tmp_path):
    for number, image in enumerate(edges(40)):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    url = f"{tmp_path}/out/dvae.safetensors"
    settings = replace(SETTINGS, steps=2)
    images = distinct_images(read_image_folder(str(tmp_path), CONFIG.side))
    metrics = train_from_images(images, url, CONFIG, settings, lambda *_: None)
    assert metrics["images"] + metrics["held_out"] == 40
    assert 0 < metrics["codes_used"] <= CONFIG.num_codes
    assert load_checkpoint(url, "dvae").extra["metrics"] == metrics
    assert load_codec(url).facts.num_codes == CONFIG.num_codes


def test_too_few_images_to_hold_some_out_is_one_clear_message(tmp_path):
    images = distinct_images([("0" * 24, edges(1)[0])])
    with pytest.raises(ImagesError, match=r"too few images to train .*: 1 to train on and 0 held"):
        train_from_images(images, f"{tmp_path}/x", CONFIG, SETTINGS, lambda *_: None)

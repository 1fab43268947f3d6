from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dalle_model.checkpoint import CheckpointError
from dalle_model.config import PriorConfig
from dalle_model.pixels import Codes, Rgb
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.sample.images import draw_images, sample_images, warning_of_cuts
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import CodecFacts
from dalle_model.tokenizers.registry import load_codec
from tests.support.priors import CAPTIONS, random_prior, tiny_tokenizer

FACTS = CodecFacts("grey", "ab" * 32, (3, 3), (3, 3), 16, "lanczos", (0.0, 1.0))


@dataclass
class GreyCodec:
    """Shows each code as a grey of its own, one pixel a token."""

    facts: CodecFacts = FACTS

    def encode(self, images: Rgb) -> Codes:
        return (images[..., 0] // 16).reshape(len(images), -1).astype(np.uint16)

    def decode(self, codes: Codes) -> Rgb:
        grey = (codes.reshape(-1, 3, 3, 1) * 16).astype(np.uint8)
        return np.repeat(grey, 3, axis=3)


TRAINED = TrainedPrior(random_prior(), tiny_tokenizer(), CodesOrigin("ab" * 32, 3, 16), {})


def test_n_images_of_each_caption_whatever_the_batch() -> None:
    whole = draw_images(TRAINED, GreyCodec(), CAPTIONS, 3, SampleSettings())
    split = draw_images(TRAINED, GreyCodec(), CAPTIONS, 3, SampleSettings(batch_size=4))
    assert whole.shape == (4, 3, 3, 3, 3)
    assert whole.dtype == np.uint8
    np.testing.assert_array_equal(whole, split)


def test_an_image_of_the_shipped_codec_is_the_same_whatever_is_drawn_with_it() -> None:
    """To the byte: decoders round otherwise in batches of another size."""
    codec = load_codec("demo")
    sizes = PriorConfig(
        text_vocab=300, text_len=10, image_vocab=1024, grid=8, layers=2, heads=2, head_dim=8
    )
    prior = Prior(sizes).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        for weight in prior.parameters():
            weight.normal_(std=0.3)
    origin = CodesOrigin(codec.facts.sha256, 8, 1024)
    trained = TrainedPrior(prior, tiny_tokenizer(), origin, {})
    many = draw_images(trained, codec, CAPTIONS, 5, SampleSettings(seed=7))
    assert len({image.tobytes() for row in many for image in row}) == 20
    few = draw_images(trained, codec, CAPTIONS[2:3], 3, SampleSettings(seed=7, batch_size=2))
    np.testing.assert_array_equal(few[0], many[2, :3])


def test_the_images_of_one_caption_are_drawn_in_parts_that_fit_the_batch() -> None:
    seen: list[tuple[int, int]] = []
    settings = SampleSettings(batch_size=3)
    parts = draw_images(
        TRAINED,
        GreyCodec(),
        CAPTIONS[:2],
        7,
        settings,
        lambda done, total, _: seen.append((done, total)),
    )
    whole = draw_images(TRAINED, GreyCodec(), CAPTIONS[:2], 7, SampleSettings())
    np.testing.assert_array_equal(parts, whole)
    assert seen == [(3, 14), (6, 14), (7, 14), (10, 14), (13, 14), (14, 14)]


def test_no_captions_no_images() -> None:
    assert draw_images(TRAINED, GreyCodec(), [], 2, SampleSettings()).shape == (0, 2, 3, 3, 3)


LONG = "a red apple in a pot of yellow sunflowers"


def test_what_the_model_does_not_read_is_told(caplog: pytest.LogCaptureFixture) -> None:
    draw_images(TRAINED, GreyCodec(), CAPTIONS[:1], 1, SampleSettings())
    assert caplog.messages == []
    draw_images(TRAINED, GreyCodec(), [LONG], 1, SampleSettings())
    tokens, read, left_out = TRAINED.tokenizer.cut(LONG, 10) or (0, 0, "")
    assert (tokens > read, read, LONG.endswith(left_out)) == (True, 8, True)
    assert caplog.messages == [
        f"the caption has {tokens} tokens, the model reads the first 8: '{left_out}' is left out"
    ]


def test_a_text_that_is_left_out_is_shown_in_part() -> None:
    warning = warning_of_cuts(TRAINED, [CAPTIONS[0], LONG + "\n" * 5 + " x" * 5000, LONG])
    assert warning.startswith("2 of 3 captions are cut; the first of them has ")
    assert warning.endswith(" x x x...' is left out")
    assert len(warning) < 250


def test_prior_of_another_codec_is_refused(tmp_path: Path) -> None:
    url = str(tmp_path / "prior.safetensors")
    save_prior(url, TRAINED)
    assert sample_images(url, GreyCodec(), CAPTIONS[:1], 1, SampleSettings()).shape[0] == 1
    other = GreyCodec(replace(FACTS, sha256="cd" * 32))
    with pytest.raises(CheckpointError, match="codes of another codec"):
        sample_images(url, other, CAPTIONS, 1, SampleSettings())

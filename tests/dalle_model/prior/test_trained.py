from pathlib import Path

import pytest
import torch

from dalle_model.checkpoint import CheckpointError
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, check_codec, load_prior, save_prior
from tests.support.priors import random_prior, random_stream, tiny_tokenizer

CODES = CodesOrigin("ab" * 32, grid=3, num_codes=16)


def test_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    url = str(tmp_path / "prior.safetensors")
    prior = random_prior()
    save_prior(url, TrainedPrior(prior, tiny_tokenizer(), CODES, {"image_ce": 0.5}))
    loaded = load_prior(url)
    assert loaded.prior.config == prior.config
    assert loaded.tokenizer.sha256 == tiny_tokenizer().sha256
    assert (loaded.codes, loaded.metrics) == (CODES, {"image_ce": 0.5})
    stream = random_stream(1)
    assert torch.equal(loaded.prior(*stream)[1], prior(*stream)[1])


@pytest.mark.parametrize(
    ("codec", "difference"),
    [
        (CodesOrigin("cd" * 32, 3, 16), "sha256 is abab.* in the prior and cdcd.* in the codec"),
        (CodesOrigin("ab" * 32, 4, 16), "grid is 3 in the prior and 4 in the codec"),
        (CodesOrigin("ab" * 32, 3, 99), "num_codes is 16 in the prior and 99 in the codec"),
    ],
)
def test_another_codec_is_refused_with_both_sides(codec: CodesOrigin, difference: str) -> None:
    with pytest.raises(CheckpointError, match=difference):
        check_codec("runs/prior.safetensors", CODES, codec)


def test_own_codec_passes() -> None:
    check_codec("runs/prior.safetensors", CODES, CODES)


def test_weights_in_bfloat16_take_half_of_the_bytes_and_come_back_rounded(tmp_path: Path) -> None:
    whole, half = (str(tmp_path / name) for name in ("whole.safetensors", "half.safetensors"))
    trained = TrainedPrior(random_prior(), tiny_tokenizer(), CODES, {})
    save_prior(whole, trained)
    save_prior(half, trained, torch.bfloat16)
    weights, loaded = trained.prior.state_dict(), load_prior(half).prior.state_dict()
    saved = sum(weight.numel() for weight in weights.values()) * 2
    assert Path(whole).stat().st_size - Path(half).stat().st_size == pytest.approx(saved, abs=100)
    for name, weight in loaded.items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, weights[name].bfloat16().float())

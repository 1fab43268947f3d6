from typing import Any

import pytest

from dalle_model.config import PRIOR_PRESETS
from dalle_model.settings import (
    PAIR_CHOICE_PRESETS,
    PRIOR_TRAINING_PRESETS,
    DvaeTraining,
    PriorTraining,
    SampleSettings,
    VqTraining,
)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "at least 1"),
        ({"batch_size": 0}, "at least 1"),
        ({"checkpoint_every": 0}, "at least 1"),
        ({"bpe_dropout": 1.0}, "bpe_dropout"),
        ({"caption_dropout": -0.1}, "caption_dropout"),
        ({"token_noise": 1.5}, "token_noise"),
        ({"matrix_rate": 0.0}, "rates"),
        ({"seed": -1}, "seed"),
        ({"workers": -1}, "workers"),
    ],
)
def test_training_out_of_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PriorTraining(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"temperature": -1}, {"top_k": 0}, {"batch_size": 0}, {"seed": -1}]
)
def test_sampling_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SampleSettings(**wrong)


def test_paper_preset_is_the_paper() -> None:
    assert PRIOR_TRAINING_PRESETS["paper"] == PriorTraining()
    assert PRIOR_PRESETS.keys() == PRIOR_TRAINING_PRESETS.keys() == PAIR_CHOICE_PRESETS.keys()


@pytest.mark.parametrize(
    ("name", "rate", "million_tokens"),
    [("base", 6e-4, 0.5), ("350m", 3e-4, 0.5), ("1.4b", 2e-4, 1)],
)
def test_presets_learn_as_gpt_3_of_their_size_did(name, rate, million_tokens):
    """Brown et al. 2020, table 2.1, and appendix B for the 375 million tokens of the warm-up."""
    training, sizes = PRIOR_TRAINING_PRESETS[name], PRIOR_PRESETS[name]
    batch = training.batch_size * (sizes.text_len + sizes.grid**2)
    assert training.learning_rate == rate
    assert batch == pytest.approx(million_tokens * 1e6, rel=0.02)
    assert training.warmup_steps * batch == pytest.approx(375e6, rel=0.02)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 0),
        ("learning_rate", (1e-3, 0.0)),
        ("temperature", (0.0, 1.0)),
        ("kl_weight", -1.0),
        ("seed", -1),
        ("max_shift", -1),
        ("ema_decay", 1.0),
    ],
)
def test_dvae_training_out_of_range_is_refused(name, value):
    with pytest.raises(ValueError, match=name):
        DvaeTraining(**{name: value})


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0, "decay_steps": 0}, "at least 1"),
        ({"checkpoint_every": 0}, "at least 1"),
        ({"decay_steps": 10_001}, "decay_steps"),
        ({"matrix_rate": 0.0}, "rates"),
        ({"codebook_decay": 1.0}, "codebook_decay"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"commitment": -1.0}, "commitment"),
        ({"seed": -1}, "seed"),
    ],
)
def test_vq_training_out_of_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VqTraining(**wrong)

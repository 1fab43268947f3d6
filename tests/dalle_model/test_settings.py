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
        ({"halvings": -1}, "halvings"),
        ({"plateau_threshold": 1.0}, "plateau_threshold"),
        ({"second_moment_max": 0.0}, "second_moment_max"),
        ({"schedule": "plateau", "measure_every": None}, "measure_every"),
    ],
)
def test_training_out_of_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PriorTraining(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -1},
        {"top_k": 0},
        {"top_p": 0},
        {"top_p": 1.5},
        {"batch_size": 0},
        {"seed": -1},
    ],
)
def test_sampling_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SampleSettings(**wrong)


def test_paper_preset_is_the_paper() -> None:
    paper = PRIOR_TRAINING_PRESETS["paper"]
    assert (paper.batch_size, paper.steps, paper.betas) == (1024, 430_000, (0.9, 0.96))
    assert (paper.learning_rate, paper.warmup_steps, paper.weight_decay) == (4.5e-4, 5000, 4.5e-2)
    assert (paper.clip_norm, paper.second_moment_max, paper.moment_bits) == (4.0, 5.0, 16)
    assert (paper.schedule, paper.halvings, paper.precision) == ("plateau", 5, "float16")
    assert (paper.ema_decay, paper.ema_every, paper.bpe_dropout) == (0.99, 25, 0.1)
    assert round(PAIR_CHOICE_PRESETS["paper"].held_out * 250e6) == 606_000
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
        ("precision", "float16"),
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
        ({"precision": "float16"}, "float16 is for priors"),
    ],
)
def test_vq_training_out_of_range_is_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VqTraining(**wrong)

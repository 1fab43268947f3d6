"""A config names any size of the prior, and a preset fills in what it leaves out."""

import pytest
from pydantic import ValidationError

from dalle_model.config import PRIOR_PRESETS
from dalle_model.settings import PAIR_CHOICE_PRESETS, PRIOR_TRAINING_PRESETS
from pipelines.prior.config import PriorConfig


@pytest.mark.parametrize("preset", PRIOR_PRESETS)
def test_a_preset_fills_in_sizes_pairs_and_training(preset):
    config = PriorConfig.model_validate({"preset": preset})
    model, sizes = config.model, PRIOR_PRESETS[preset]
    assert (model.layers, model.heads, model.text_len) == (
        sizes.layers,
        sizes.heads,
        sizes.text_len,
    )
    assert (model.grid, model.image_vocab, model.text_vocab) == (None, None, None)
    assert config.pairs == PAIR_CHOICE_PRESETS[preset]
    assert config.training == PRIOR_TRAINING_PRESETS[preset]


def test_one_size_is_set_and_the_others_are_the_preset_s():
    config = PriorConfig.model_validate({"preset": "base", "model": {"layers": 6, "grid": 16}})
    closed = config.model.closed()
    assert (closed.layers, closed.width, closed.grid) == (6, 768, 16)
    assert config.training == PRIOR_TRAINING_PRESETS["base"]


def test_the_defaults_are_those_of_the_demo():
    assert PriorConfig() == PriorConfig.model_validate({"preset": "demo"})


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"layers": 0}, "layers is 0, must be at least 1"),
        ({"grid": 0}, "grid is 0, must be at least 1"),
        ({"conv_kernel": 4}, "conv_kernel is 4, must be odd"),
        ({"width": 512}, "width"),
    ],
)
def test_a_size_that_makes_no_model_is_refused(model, said):
    with pytest.raises(ValidationError, match=said):
        PriorConfig.model_validate({"model": model})

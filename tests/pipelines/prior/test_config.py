"""A config names any size of the prior, and a preset fills in what it leaves out."""

import pytest
from pydantic import ValidationError

from dalle_model.config import PRIOR_PRESETS
from dalle_model.settings import PAIR_CHOICE_PRESETS, PRIOR_TRAINING_PRESETS
from pipelines.prior.config import PriorConfig
from pipelines.prior.stage import STAGE


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


def test_what_goes_on_with_other_shards_begins_somewhere():
    assert PriorConfig.model_validate({"start": "world", "also": "world/train"}).also_share == 1
    with pytest.raises(ValidationError, match="also: needs `start`"):
        PriorConfig.model_validate({"also": "world/train"})
    with pytest.raises(ValidationError, match="also_share"):
        PriorConfig.model_validate({"start": "world", "also": "world/train", "also_share": 1.5})


def test_paths_count_from_the_config_file_and_names_of_what_ships_do_not():
    relocated = STAGE.relocate(PriorConfig(start="world", also="world/train"), "/configs")
    assert (relocated.start, relocated.also) == ("world", "/configs/world/train")
    relocated = STAGE.relocate(PriorConfig(start="mine.safetensors"), "/configs")
    assert (relocated.start, relocated.also) == ("/configs/mine.safetensors", "")


def test_the_content_of_start_and_also_counts_and_their_paths_do_not():
    one = STAGE.settings(PriorConfig(start="a", also="b", also_share=0.5))
    assert one == STAGE.settings(PriorConfig(start="c", also="d", also_share=0.5))
    assert one != STAGE.settings(PriorConfig(start="a", also="b"))
    assert STAGE.settings(PriorConfig(start="a")) == STAGE.settings(PriorConfig())

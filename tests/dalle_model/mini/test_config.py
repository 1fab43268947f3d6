import pytest
import torch

from dalle_model.mini.config import MINI_PRESETS, MiniConfig
from dalle_model.mini.model import Mini


def test_a_config_is_its_dict():
    for config in MINI_PRESETS.values():
        assert MiniConfig.from_dict(config.to_dict()) == config


# mini_glu and mega are the models that were published: 0.4 and 2.6 billion parameters.
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("demo", 5_802_240),
        ("micro", 23_709_696),
        ("mini", 538_593_280),
        ("mini_glu", 437_903_344),
        ("mega", 2_587_521_024),
    ],
)
def test_parameters_of_presets(name, parameters):
    with torch.device("meta"):
        model = Mini(MINI_PRESETS[name])
    assert sum(weight.numel() for weight in model.parameters()) == parameters


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "width must be at least 1"),
        ({"heads": 3}, "multiple of heads 3"),
        ({"text_pad": 50264}, "text_pad 50264 is not below the 50264 rows"),
        ({"start": 16392}, "start 16392 is not below the 16392 rows"),
        ({"num_codes": 16392}, "num_codes must be at most image_vocab"),
    ],
)
def test_sizes_that_no_model_has_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        MiniConfig(**change)

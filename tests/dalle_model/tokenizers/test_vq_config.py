import json

import pytest

from dalle_model.tokenizers.vq_config import VqConfig


def test_a_config_survives_json():
    config = VqConfig(image_shape=(64, 96), width=32)
    assert VqConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.token_shape == (8, 12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_shape": (64, 60)}, "an edge is 60 px, must be a multiple of 8"),
        ({"image_shape": (0, 64)}, "an edge is 0 px"),
        ({"embed_dim": 193}, "embed_dim 193 is above the values of a patch"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        VqConfig(**wrong)

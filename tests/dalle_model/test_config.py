import json
import subprocess
import sys

import pytest

from dalle_model.config import PRIOR_PRESETS, DvaeConfig, PriorConfig
from dalle_model.tokenizers.vq_config import VqConfig


@pytest.mark.parametrize("config", [DvaeConfig(), *PRIOR_PRESETS.values()])
def test_a_config_survives_json(config):
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_paper_s_sizes():
    dvae, prior = DvaeConfig(), PRIOR_PRESETS["paper"]
    assert prior == PriorConfig()
    assert (dvae.grid**2, dvae.num_codes) == (1024, 8192)
    assert (prior.width, prior.text_len, prior.grid**2) == (3968, 256, 1024)


@pytest.mark.parametrize(("codec", "name"), [(DvaeConfig(), "paper"), (VqConfig(), "demo")])
def test_the_presets_of_the_prior_fit_the_codecs(codec, name):
    prior = PRIOR_PRESETS[name]
    assert (codec.token_shape, codec.num_codes) == ((prior.grid, prior.grid), prior.image_vocab)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layers": 0}, "layers is 0, must be at least 1"),
        ({"text_len": 2}, "text_len is 2, must be at least 3"),
        ({"conv_kernel": 4}, "conv_kernel is 4, must be odd"),
    ],
)
def test_a_size_of_the_prior_that_makes_no_model_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        PriorConfig(**wrong)


def test_presets_have_the_matrices_that_their_names_say():
    millions = {n: 12 * p.width**2 * p.layers / 1e6 for n, p in PRIOR_PRESETS.items()}
    assert {name: round(number) for name, number in millions.items()} == {
        "demo": 3,
        "small": 25,
        "base": 99,
        "350m": 302,
        "1.4b": 1364,
        "paper": 12092,
    }
    assert {p.head_dim for p in PRIOR_PRESETS.values()} == {64}


@pytest.mark.parametrize(
    "module",
    ["config", "pixels", "shards", "files", "checkpoint", "tokenizers.registry"],
)
def test_leaves_load_no_torch(module):
    code = f"import sys, dalle_model.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("side", [0, 60])
def test_a_side_that_tokens_do_not_cover_is_refused(side):
    with pytest.raises(ValueError, match=f"side is {side} px, must be a multiple of 8"):
        DvaeConfig(side=side)


def test_images_need_not_be_square_and_squares_are_written_as_ever():
    config = DvaeConfig(side=64, image_width=96)
    assert (config.image_shape, config.token_shape) == ((64, 96), (8, 12))
    assert DvaeConfig.from_dict(config.to_dict()) == config
    assert "image_width" not in DvaeConfig().to_dict()
    with pytest.raises(ValueError, match="8 x 12 tokens are no square"):
        _ = config.grid
    with pytest.raises(ValueError, match="image_width is 90 px"):
        DvaeConfig(side=64, image_width=90)

import json
import subprocess
import sys

import pytest

from dalle_model.config import DVAE_PRESETS, PRIOR_PRESETS, DvaeConfig, PriorConfig


@pytest.mark.parametrize("config", [*DVAE_PRESETS.values(), *PRIOR_PRESETS.values()])
def test_a_config_survives_json(config):
    assert type(config).from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_paper_s_sizes():
    dvae, prior = DVAE_PRESETS["paper"], PRIOR_PRESETS["paper"]
    assert (dvae, prior) == (DvaeConfig(), PriorConfig())
    assert (dvae.grid**2, dvae.num_codes) == (1024, 8192)
    assert (prior.width, prior.text_len, prior.grid**2) == (3968, 256, 1024)


@pytest.mark.parametrize("name", ["paper", "demo"])
def test_the_presets_of_dvae_and_prior_fit_together(name):
    dvae, prior = DVAE_PRESETS[name], PRIOR_PRESETS[name]
    assert (dvae.grid, dvae.num_codes) == (prior.grid, prior.image_vocab)


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

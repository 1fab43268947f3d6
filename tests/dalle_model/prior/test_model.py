import math

import torch

from dalle_model.config import PRIOR_PRESETS
from dalle_model.prior.model import Prior, num_parameters
from tests.support.priors import TINY, random_prior, random_stream


def test_blocks_hold_twelve_squares_of_the_width_a_layer() -> None:
    prior = Prior(TINY)
    matrices = sum(w.numel() for n, w in prior.named_parameters() if "blocks" in n and w.ndim == 2)
    assert matrices == 12 * TINY.width**2 * TINY.layers
    assert num_parameters(prior) == sum(w.numel() for w in prior.state_dict().values())


def test_paper_has_twelve_billion_parameters_over_1280_positions() -> None:
    config = PRIOR_PRESETS["paper"]
    assert config.text_len + config.grid**2 == 1280
    assert 12 * config.width**2 * config.layers == 12_092_178_432


def test_untrained_prior_finds_all_codes_equally_likely() -> None:
    text, image = random_stream(2)
    text_logits, image_logits = Prior(TINY)(text, image)
    assert text_logits.shape == (2, 9, 300)
    assert image_logits.shape == (2, 9, 16)
    assert float(image_logits.detach().abs().max()) == 0


def test_no_prediction_depends_on_what_comes_later() -> None:
    prior = random_prior()
    text, image = random_stream(1)
    later = image.clone()
    later[0, 5] = (later[0, 5] + 1) % TINY.image_vocab
    before, after = prior(text, image)[1][0], prior(text, later)[1][0]
    torch.testing.assert_close(before[:6], after[:6])
    assert not torch.allclose(before[6:], after[6:])


def test_cached_steps_equal_the_whole_stream() -> None:
    prior = random_prior()
    text, image = random_stream(3)
    with torch.no_grad():
        _, expected = prior(text, image)
        logits, caches = prior.prefill(text)
        steps = [logits]
        for position in range(TINY.grid**2 - 1):
            steps.append(prior.step(image[:, position], position, caches))
    torch.testing.assert_close(torch.stack(steps, dim=1), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_are_those_of_child_et_al() -> None:
    torch.manual_seed(0)
    prior = Prior(PRIOR_PRESETS["demo"])
    width, layers = prior.config.width, prior.config.layers
    spread = 0.125 / math.sqrt(width)
    weights = dict(prior.named_parameters())
    scales = {
        "blocks.0.attention.query_key_value.weight": spread,
        "blocks.0.attention.output.weight": spread / math.sqrt(2 * layers),
        "blocks.0.mlp.2.weight": spread / 2 / math.sqrt(2 * layers),
        "embedding.image_token.weight": spread,
        "embedding.row.weight": spread / math.sqrt(2),
    }
    for name, expected in scales.items():
        assert abs(float(weights[name].detach().std()) / expected - 1) < 0.1, name

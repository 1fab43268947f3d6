from functools import partial

import numpy as np
import pytest
import torch

from dalle_model.config import DvaeConfig
from dalle_model.tokenizers.dvae import Decoder, Dvae, Encoder, to_input, to_rgb
from tests.support.codecs import TINY


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.fixture(scope="module")
def paper():
    with torch.device("meta"):
        return Dvae(DvaeConfig())


def test_the_paper_preset_has_the_release_s_parameters(paper):
    assert count(paper) == 97_616_006
    assert (count(paper.encoder), len(paper.encoder.state_dict())) == (53_786_240, 74)
    assert (count(paper.decoder), len(paper.decoder.state_dict())) == (43_829_766, 76)


def release_keys(widened):
    """Keys of the release; `widened` lists the groups whose first block changes the width."""
    keys = {f"blocks.{part}.{p}" for part in ("input", "output.conv") for p in "wb"}
    for g in range(1, 5):
        for k in (1, 2):
            block = f"blocks.group_{g}.block_{k}"
            keys |= {f"{block}.res_path.conv_{i}.{p}" for i in range(1, 5) for p in "wb"}
            if k == 1 and g in widened:
                keys |= {f"{block}.id_path.{p}" for p in "wb"}
    return keys


def test_the_state_dict_has_the_release_s_keys(paper):
    assert set(paper.encoder.state_dict()) == release_keys({2, 3, 4})
    assert set(paper.decoder.state_dict()) == release_keys({1, 2, 3, 4})


def test_kernels_and_widths_are_the_release_s(paper):
    encoder, decoder = paper.encoder.state_dict(), paper.decoder.state_dict()
    assert encoder["blocks.input.w"].shape == (256, 3, 7, 7)
    assert encoder["blocks.output.conv.w"].shape == (8192, 2048, 1, 1)
    assert decoder["blocks.input.w"].shape == (128, 8192, 1, 1)
    assert decoder["blocks.output.conv.w"].shape == (6, 256, 1, 1)
    for state, kernels in ((encoder, (3, 3, 3, 1)), (decoder, (1, 3, 3, 3))):
        path = "blocks.group_4.block_2.res_path.conv_"
        assert tuple(state[f"{path}{i}.w"].shape[2] for i in range(1, 5)) == kernels


def test_in_mixed_precision_the_first_and_the_last_1x1_are_exact_as_in_the_release():
    model, types = Dvae(TINY), {}

    def note(name, module, _, output):
        types[name] = output.dtype

    for name, module in model.named_modules():
        if hasattr(module, "is_exact"):
            module.register_forward_hook(partial(note, name))
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.encoder(torch.full((1, 3, 16, 16), 0.5))
        model.decoder(logits.softmax(1))
    exact = {name for name, dtype in types.items() if dtype == torch.float32}
    assert exact == {"encoder.blocks.output.conv", "decoder.blocks.input"}


def test_residuals_are_scaled_by_one_over_layers_squared(paper):
    gains = {m.post_gain for m in paper.modules() if hasattr(m, "post_gain")}
    assert gains == {1 / 64}


def test_shapes():
    config = DvaeConfig(16, 32, hidden=8, bottleneck=8, blocks_per_group=2)
    logits = Encoder(config)(torch.rand(2, 3, 16, 16))
    mu, ln_b = Decoder(config)(logits.softmax(1))
    assert logits.shape == (2, 32, 2, 2)
    assert mu.shape == ln_b.shape == (2, 3, 16, 16)


def test_the_wrong_side_is_refused_with_both_shapes():
    with pytest.raises(ValueError, match=r"\(1, 3, 8, 16\), expected \(B, 3, 16, 16\)"):
        Encoder(TINY)(torch.rand(1, 3, 8, 16))


def test_encode_is_the_argmax_and_decode_the_sigmoid_of_the_location():
    model = Dvae(TINY)
    x = torch.rand(3, 3, 16, 16)
    codes = model.encode(x)
    assert torch.equal(codes, model.encoder(x).argmax(1))
    one_hot = torch.zeros(3, 32, 2, 2).scatter_(1, codes[:, None], 1.0)
    assert torch.equal(model.decode(codes), torch.sigmoid(model.decoder(one_hot)[0]))


def test_every_byte_survives_the_pixel_map():
    rgb = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    mapped = to_input(rgb)
    assert (mapped.min().item(), mapped.max().item()) == pytest.approx((0.1, 0.9))
    assert np.array_equal(to_rgb(mapped), rgb)

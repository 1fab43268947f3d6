import pytest
import torch
from torch.nn import functional

from dalle_model.tokenizers.vq import Block, Conv, Vq
from dalle_model.tokenizers.vq_config import VqConfig
from tests.support.codecs import TINY_VQ, random_vq


def pixels(count, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((count, 3, height, width), generator=generator) * 2 - 1


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 16), (24, 40)])
def test_any_multiple_of_eight_pixels_has_a_token_for_each_patch(height, width):
    model = random_vq()
    codes = model.encode(pixels(2, height, width))
    assert codes.shape == (2, height // 8, width // 8)
    assert model.decode(codes).shape == (2, 3, height, width)


def test_a_convolution_is_torch_s_own():
    torch.manual_seed(0)
    conv, x = Conv(5, 7, kernel=3), torch.randn(2, 5, 4, 6)
    kernel = conv.w.view(7, 3, 3, 5).permute(0, 3, 1, 2).contiguous()
    assert torch.allclose(conv(x), functional.conv2d(x, kernel, conv.b, padding=1), atol=1e-6)


def test_a_block_is_at_first_without_effect_and_then_sees_one_position_further():
    torch.manual_seed(0)
    block, x = Block(4), torch.randn(1, 4, 7, 7)
    assert torch.equal(block(x), x)
    torch.nn.init.normal_(block.mix.w)
    other = x.clone()
    other[..., 3, 3] += 1
    changed = (block(x) != block(other)).any(dim=1)[0]
    assert changed.nonzero().min(0).values.tolist() == [2, 2]
    assert changed.nonzero().max(0).values.tolist() == [4, 4]


def test_the_nearest_vector_is_that_of_the_least_distance():
    model = random_vq()
    z = torch.randn(2, TINY_VQ.embed_dim, 3, 4, generator=torch.Generator().manual_seed(0))
    rows = z.permute(0, 2, 3, 1).reshape(-1, TINY_VQ.embed_dim)
    distances = torch.cdist(rows, model.codebook)
    assert torch.equal(model.nearest(z).flatten(), distances.argmin(1))
    best, second = distances.square().topk(2, largest=False).values.unbind(1)
    logits = model.logits(rows).topk(2).values
    assert torch.allclose(logits[:, 0] - logits[:, 1], (second - best) / 2, atol=1e-4)


def test_codes_of_vectors_are_their_own():
    model = random_vq()
    codes = torch.arange(TINY_VQ.num_codes).view(1, 4, -1)
    assert torch.equal(model.nearest(model.vectors(codes)), codes)


def test_the_context_decides_codes():
    model, x = random_vq(), pixels(8, 16, 16)
    alone = [
        model.encode(x[..., 8 * r : 8 * r + 8, 8 * c : 8 * c + 8]) for r in (0, 1) for c in (0, 1)
    ]
    assert (torch.cat(alone, dim=2).view(8, 2, 2) != model.encode(x)).any()


def test_the_default_sizes_are_small():
    model = Vq(VqConfig())
    values = sum(p.numel() for p in model.parameters()) + model.codebook.numel()
    assert values * 4 < 8_000_000
    assert model.config.token_shape == (8, 8)

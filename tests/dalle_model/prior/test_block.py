import torch

from dalle_model.prior.block import Block, Gelu
from dalle_model.prior.masks import MaskKind
from dalle_model.prior.pattern import Pattern


def test_gelu_is_the_sigmoid_form() -> None:
    x = torch.tensor([-2.0, 0.0, 3.0])
    torch.testing.assert_close(Gelu()(x), x / (1 + torch.exp(-1.702 * x)))


def test_gelu_has_the_gradient_of_its_form() -> None:
    x = torch.linspace(-6, 6, 25, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(Gelu(), x)


def test_branches_add_to_the_stream() -> None:
    block = Block(8, 2, Pattern(MaskKind.ROW, text_len=2, grid=1, kernel=3))
    for branch_end in (block.attention.output, block.mlp[2]):
        torch.nn.init.zeros_(branch_end.weight)  # type: ignore[arg-type]
        torch.nn.init.zeros_(branch_end.bias)  # type: ignore[arg-type]
    x = torch.randn(1, 3, 8)
    assert torch.equal(block(x), x)

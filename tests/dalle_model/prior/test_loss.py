import math

import pytest
import torch

from dalle_model.prior.loss import stream_loss, summed_cross_entropy


def test_each_part_is_the_sum_over_its_own_tokens() -> None:
    text = torch.tensor([[0, 1, 4, 4, 2], [0, 1, 3, 4, 2]])  # 4 is padding: 2 + 3 targets
    image = torch.zeros(2, 9, dtype=torch.long)
    text_logits = torch.zeros(2, 4, 4)
    image_logits = torch.zeros(2, 9, 16)
    loss = stream_loss(text_logits, image_logits, text, image)
    assert float(loss.text) == pytest.approx(5 * math.log(4))
    assert float(loss.image) == pytest.approx(18 * math.log(16))


def test_padding_is_no_target() -> None:
    text = torch.tensor([[0, 1, 4, 4, 2]])
    image = torch.zeros(1, 1, dtype=torch.long)
    logits = torch.zeros(1, 4, 4)
    before = stream_loss(logits, torch.zeros(1, 1, 2), text, image).text
    logits[0, 1:3] = 9 * torch.randn(2, 4, generator=torch.Generator().manual_seed(0))
    assert stream_loss(logits, torch.zeros(1, 1, 2), text, image).text == before


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_gradients_are_those_of_torch(dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(0)
    target = torch.tensor([2, 7, 0, 7, 6])  # 7 is padding
    logits = (9 * torch.randn(5, 7, generator=random)).to(dtype)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    loss = 3 * summed_cross_entropy(ours, target)
    loss.backward()
    expected = 3 * torch.nn.functional.cross_entropy(
        theirs.float(), target, ignore_index=7, reduction="sum"
    )
    expected.backward()
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(ours.grad, theirs.grad)
    assert ours.grad is not None
    assert not ours.grad[[1, 3]].any()


def test_a_second_backward_pass_is_refused() -> None:
    logits = torch.zeros(1, 4, requires_grad=True)
    loss = summed_cross_entropy(logits, torch.tensor([1]))
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()

import math

import pytest
import torch

from dalle_model.prior.loss import stream_loss


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

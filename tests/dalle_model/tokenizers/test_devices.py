import pytest
import torch

from dalle_model.tokenizers.devices import low_precision


@pytest.mark.parametrize(("has_it", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_card_without_bfloat16_keeps_float32(has_it, dtype, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_it)
    assert low_precision(torch.device("cuda:1")) == dtype

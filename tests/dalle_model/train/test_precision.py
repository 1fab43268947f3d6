import pytest
import torch

from dalle_model.train import precision
from dalle_model.train.precision import mixed_precision, uses_bfloat16


@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_only_auto_asks_the_processor(has_bfloat16, monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: has_bfloat16)
    assert uses_bfloat16("auto") == has_bfloat16
    assert (uses_bfloat16("float32"), uses_bfloat16("bfloat16")) == (False, True)


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_layers_multiply_in_it(name):
    with mixed_precision(name):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == getattr(torch, name)

import pytest
import torch

from dalle_model.train import precision
from dalle_model.train.precision import mixed_precision, resolved, uses_bfloat16


@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_only_auto_asks_the_processor(has_bfloat16, monkeypatch):
    monkeypatch.setattr(precision, "multiplies_bfloat16", lambda: has_bfloat16)
    assert uses_bfloat16("auto") == has_bfloat16
    assert resolved("auto") == ("bfloat16" if has_bfloat16 else "float32")
    assert [uses_bfloat16(name) for name in ("float32", "bfloat16", "float16")] == [0, 1, 0]
    assert resolved("float16") == "float16"


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("float32", torch.float32), ("bfloat16", torch.bfloat16), ("float16", torch.float32)],
)
def test_layers_multiply_in_it_but_for_float16_which_is_of_branches_alone(name, dtype):
    with mixed_precision(name, torch.device("cpu")):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == dtype

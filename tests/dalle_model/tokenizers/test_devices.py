import pytest
import torch

from dalle_model.tokenizers.devices import dtype_name, low_precision

CASES = [(True, torch.bfloat16), (False, torch.float32)]


@pytest.mark.parametrize(("has_it", "dtype"), CASES)
def test_a_card_without_bfloat16_keeps_float32(has_it, dtype, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: has_it)
    assert low_precision(torch.device("cuda:1")) == dtype


@pytest.mark.parametrize(("has_it", "dtype"), CASES)
@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16"])
def test_a_processor_without_bfloat16_keeps_float32(name, has_it, dtype, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True, name: has_it})
    assert low_precision() == low_precision(torch.device("cpu")) == dtype


def test_types_of_numbers_have_the_names_that_settings_give_them():
    assert [dtype_name(dtype) for _, dtype in CASES] == ["bfloat16", "float32"]

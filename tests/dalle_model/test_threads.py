import pytest
import torch

from dalle_model.threads import torch_threads


def test_threads_are_pinned_inside_and_put_back_after_an_error():
    before = torch.get_num_threads()
    inside = []

    def fail() -> None:
        with torch_threads(before + 1):
            inside.append(torch.get_num_threads())
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert inside == [before + 1]
    assert torch.get_num_threads() == before


def test_none_changes_nothing():
    before = torch.get_num_threads()
    with torch_threads(None):
        assert torch.get_num_threads() == before

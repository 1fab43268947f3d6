from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from dalle_model.threads import pinned_kernels, torch_threads


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


def is_filled() -> bool:
    return bool(torch._C._get_deterministic_fill_uninitialized_memory())


def is_deterministic() -> bool:
    return bool(torch.are_deterministic_algorithms_enabled())


@pytest.mark.parametrize("before", [False, True])
def test_kernels_are_pinned_inside_and_put_back_after_an_error(before):
    def fail() -> None:
        with pinned_kernels():
            assert is_deterministic()
            assert not is_filled()
            assert torch.get_num_threads() == 1
            raise KeyError

    torch.set_deterministic_debug_mode("error" if before else "default")
    try:
        with pytest.raises(KeyError):
            fail()
        assert is_deterministic() is before
        assert is_filled()
    finally:
        torch.set_deterministic_debug_mode("default")


def test_kernels_stay_pinned_while_another_thread_leaves():
    """As two bundles of one worker do: the first to end must not unpin those of the other."""
    both_in, one_out = Barrier(2, timeout=60), Barrier(2, timeout=60)

    def leaves_first() -> None:
        with pinned_kernels():
            both_in.wait()
        one_out.wait()

    def stays() -> bool:
        with pinned_kernels():
            both_in.wait()
            one_out.wait()
            return is_deterministic()

    with ThreadPoolExecutor(2) as threads:
        first, second = threads.submit(leaves_first), threads.submit(stays)
        assert second.result() is True
        first.result()
    assert not is_deterministic()

import pytest
import torch

from dalle_model.settings import DvaeTraining, VqTraining
from dalle_model.train.place import (
    ALONE,
    ParallelError,
    is_first_of_machine,
    joined,
    refuse_parts,
)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_a_process_is_alone_where_nothing_else_is_said() -> None:
    with joined("cpu") as place:
        assert place == ALONE
    assert not torch.distributed.is_initialized()


def test_a_process_of_two_has_to_find_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    message = "WORLD_SIZE is 2, and RANK, MASTER_ADDR, MASTER_PORT not set: .* `torchrun"
    with pytest.raises(ParallelError, match=message), joined("cpu"):
        pass


@pytest.mark.parametrize(
    ("device", "cards", "local_rank", "found"),
    [("auto", 0, "1", "cpu"), ("cpu", 2, "1", "cpu")],
)
def test_a_device_is_a_card_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, device: str, cards: int, local_rank: str, found: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: cards)
    monkeypatch.setenv("LOCAL_RANK", local_rank)
    with joined(device) as place:
        assert place.device == torch.device(found)


@pytest.mark.parametrize("device", ["auto", "cuda"])
def test_each_process_of_a_machine_needs_a_card(
    monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "2")
    message = "process 2 .* torch sees 2; give torchrun --nproc-per-node 2, or set the device"
    with pytest.raises(ParallelError, match=message), joined(device):
        pass


def test_of_codecs_each_process_has_all_weights() -> None:
    refuse_parts(DvaeTraining(device="cuda"), "dvae")
    with pytest.raises(ParallelError, match=r"leave out `vq\.training\.parallel`"):
        refuse_parts(VqTraining(parallel="fsdp"), "vq")
    with pytest.raises(ParallelError, match="and `powersgd_rank`"):
        refuse_parts(DvaeTraining(powersgd_rank=4), "dvae")


def test_one_process_of_each_machine_is_its_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_first_of_machine()
    monkeypatch.setenv("RANK", "8")
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert is_first_of_machine()
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not is_first_of_machine()

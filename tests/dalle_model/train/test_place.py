import pytest
import torch

from dalle_model.settings import DvaeTraining, VqTraining
from dalle_model.train.place import ALONE, ParallelError, joined, refuse_company


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


def test_codecs_are_trained_by_one_process_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_company(VqTraining(), "vq")
    with pytest.raises(ParallelError, match=r"set `dvae\.training\.device` to auto or cpu"):
        refuse_company(DvaeTraining(device="cuda"), "dvae")
    with pytest.raises(ParallelError, match="leave out `parallel`"):
        refuse_company(VqTraining(parallel="fsdp"), "vq")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ParallelError, match="torchrun has started 2; start the command without it"):
        refuse_company(VqTraining(), "vq")

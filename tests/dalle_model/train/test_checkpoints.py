import os
import pickle
import random
import resource
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dalle_model import files
from dalle_model.checkpoint import CheckpointError
from dalle_model.sealed import read_sealed, write_sealed
from dalle_model.train import checkpoints as module
from dalle_model.train.checkpoint_folders import SUFFIX
from dalle_model.train.checkpoints import Checkpoints
from dalle_model.train.state_files import write_tensors
from dalle_model.training_settings import Training
from tests.support.tiny_training import TINY_TRAINING, TinyRun, folder_of

NUM_FLIPS, NUM_CUTS = 25, 8  # of each file


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def out_url(tmp_path: Path) -> str:
    return str(tmp_path / "tiny.safetensors")


def of_run(out_url: str, settings: Training = TINY_TRAINING, keep: int = 2) -> Checkpoints:
    return Checkpoints(folder_of(out_url, settings), keep)


def trained(out_url: str, steps: int, run: TinyRun | None = None, keep: int = 2) -> list[str]:
    """Save after each step; returns the digests of the states, from before the first step."""
    run = run or TinyRun()
    digests = [run.digest()]
    with of_run(out_url, keep=keep) as checkpoints:
        for _ in range(steps):
            run.take_step()
            digests.append(run.digest())
            checkpoints.save(run)
    return digests


def loaded(out_url: str, settings: Training = TINY_TRAINING) -> TinyRun:
    run = TinyRun(seed=1)
    with of_run(out_url, settings) as checkpoints:
        assert checkpoints.load(run)
    return run


def begins_anew(out_url: str, settings: Training) -> bool:
    run = TinyRun(seed=1)
    before = run.digest()
    with of_run(out_url, settings) as checkpoints:
        return not checkpoints.load(run) and run.digest() == before


def saved_in(out_url: str, step: int | None = None) -> Path:
    (run,) = Path(out_url + SUFFIX).iterdir()
    return run if step is None else run / f"step-{step:09d}"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Warnings of this program; torch logs each of its calls."""
    return [r.getMessage() for r in caplog.records if r.name.startswith("dalle_model")]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_a_run_goes_on_bit_for_bit(optimizer, out_url):
    straight = TinyRun(optimizer)
    assert not of_run(out_url).load(straight)
    digests = trained(out_url, 4, TinyRun(optimizer))
    resumed = TinyRun(optimizer, seed=1)
    with of_run(out_url) as checkpoints:
        assert checkpoints.load(resumed)
    assert resumed.digest() == digests[4]
    for _ in range(8):
        straight.take_step()
    for _ in range(4):
        resumed.take_step()
    assert resumed.digest() == straight.digest()


def test_a_manifest_says_what_was_saved(out_url):
    trained(out_url, 2)
    manifest = read_sealed(str(saved_in(out_url, 2) / "checkpoint.json"))
    assert (manifest["step"], manifest["ranks"]) == (2, 1)
    assert manifest["torch"] == torch.__version__
    decisive, changeable = (manifest["origin"][part] for part in ("decisive", "changeable"))
    assert (decisive["seed"], decisive["the rows"]) == (0, "drawn")
    assert changeable == {
        "accumulation": 1, "compile": False, "device": "auto", "parallel": "ddp", "ranks": 1,
        "steps": 12, "threads": 1, "torch": torch.__version__,
    }  # fmt: skip
    for name, entry in manifest["files"].items():
        content = (saved_in(out_url, 2) / name).read_bytes()
        assert entry == {"bytes": len(content), "sha256": files.sha256(content)}
    assert names(saved_in(out_url, 2)) == sorted([*manifest["files"], "checkpoint.json"])


def damages(content: bytes, draw: random.Random) -> Iterator[bytes]:
    for _ in range(NUM_FLIPS):
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        yield bytes(flipped)
    for _ in range(NUM_CUTS):
        yield content[: draw.randrange(len(content))]
    yield content + b"\0"


@pytest.mark.parametrize("name", [".metadata", "__0_0.distcp", "checkpoint.json"])
def test_a_damaged_checkpoint_is_never_loaded_but_the_one_before(name, out_url, caplog):
    digests = trained(out_url, 2)
    path, draw = saved_in(out_url, 2) / name, random.Random(15)
    for content in damages(path.read_bytes(), draw):
        path.write_bytes(content)
        assert loaded(out_url).digest() == digests[1]
        (message,) = said(caplog)
        assert message.startswith(f"a damaged checkpoint is passed over: {path}")
        caplog.clear()
    path.unlink()
    assert loaded(out_url).digest() == digests[1]


def test_where_all_are_damaged_it_does_not_begin_anew_by_itself(out_url):
    trained(out_url, 2)
    for step in (1, 2):
        (saved_in(out_url, step) / ".metadata").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"none of the 2 checkpoints in .* put a copy of one"):
        loaded(out_url)


def test_a_damaged_checkpoint_is_replaced_when_the_run_comes_by_again(out_url):
    digests = trained(out_url, 3)
    (saved_in(out_url, 3) / "__0_0.distcp").write_bytes(b"")
    run = TinyRun()
    with of_run(out_url) as checkpoints:
        checkpoints.load(run)
        run.take_step()
        checkpoints.save(run)
    assert names(saved_in(out_url)) == ["step-000000002", "step-000000003"]
    assert loaded(out_url).digest() == digests[3]


def test_what_is_saved_is_the_state_of_its_step_whatever_comes_after(out_url, monkeypatch):
    run, may_write = TinyRun(), threading.Event()

    def later(*arguments):
        may_write.wait()
        return write_tensors(*arguments)

    monkeypatch.setattr(module, "write_tensors", later)
    with of_run(out_url) as checkpoints:
        run.take_step()
        at_save = run.digest()
        checkpoints.save(run)
        run.recent["loss"] = -1.0
        run.take_step()
        assert not list(Path(out_url + SUFFIX).glob("*/step*"))
        may_write.set()
    assert loaded(out_url).digest() == at_save


def test_a_save_waits_for_the_one_before(out_url, monkeypatch):
    run, events, may_write = TinyRun(), [], threading.Event()

    def noted(*arguments):
        may_write.wait()
        events.append("written")
        return write_tensors(*arguments)

    monkeypatch.setattr(module, "write_tensors", noted)
    with of_run(out_url) as checkpoints:
        run.take_step()
        checkpoints.save(run)
        events.append("goes on")
        run.take_step()
        threading.Timer(0.02, may_write.set).start()
        checkpoints.save(run)
        events.append("goes on")
    assert events[:2] == ["goes on", "written"]
    assert sorted(events) == ["goes on"] * 2 + ["written"] * 2


@contextmanager
def max_file_bytes(number: int) -> Iterator[None]:
    """No file of this process grows beyond it, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (number, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_run_and_leaves_what_was_saved_before(out_url):
    digests = trained(out_url, 2)
    with max_file_bytes(20_000), pytest.raises(OSError, match="File too large") as raised:
        trained(out_url, 1)
    assert raised.value.filename.startswith(str(saved_in(out_url)))
    assert names(saved_in(out_url)) == ["step-000000001", "step-000000002"]
    assert loaded(out_url).digest() == digests[2]


def test_the_newest_and_the_best_are_kept(out_url):
    run, losses = TinyRun(), [5.0, 1.0, None, 3.0, 1.0, None, None]
    with of_run(out_url, keep=2) as checkpoints:
        for loss in losses:
            run.take_step()
            checkpoints.save(run, held_out=loss)
    assert names(saved_in(out_url)) == [f"step-{n:09d}" for n in (2, 6, 7)]


def test_what_a_killed_save_left_is_removed_at_the_next_start(out_url):
    trained(out_url, 1)
    left = saved_in(out_url) / ".tmp-step-000000002"
    shutil.copytree(saved_in(out_url, 1), left)
    assert loaded(out_url).step == 1
    assert names(saved_in(out_url)) == ["step-000000001"]


def test_another_run_begins_beside_the_old_one_which_can_go_on(out_url, caplog):
    digests = trained(out_url, 2)
    old = saved_in(out_url)
    other = replace(TINY_TRAINING, seed=1)
    assert begins_anew(out_url, other)
    assert said(caplog) == [
        f"training begins anew: {old} is a run of 2 steps with other values of seed; it stays "
        "there, and goes on where these are given back"
    ]
    run = TinyRun()
    run.take_step()
    with of_run(out_url, other) as checkpoints:
        checkpoints.save(run)
    folder_of(out_url, other).remove()
    assert names(Path(out_url + SUFFIX)) == [old.name]
    assert loaded(out_url).digest() == digests[2]


def test_more_steps_go_on_and_fewer_than_taken_are_an_error(out_url, caplog):
    trained(out_url, 3)
    assert loaded(out_url, replace(TINY_TRAINING, steps=20)).step == 3
    assert said(caplog) == [
        "training goes on from step 3 with steps 20, before 12: the weights may not be bit for bit "
        "those of a run that had it from its start"
    ]
    with pytest.raises(CheckpointError, match=r"has taken 3 steps, and .* `steps` of .* is 2"):
        loaded(out_url, replace(TINY_TRAINING, steps=2))


def test_a_state_of_older_versions_is_said_to_be_one(out_url):
    Path(out_url + SUFFIX).write_bytes(b"")
    with pytest.raises(CheckpointError, match="is a file, as versions before this one saved"):
        loaded(out_url)


def test_tensors_of_another_model_are_an_error_that_names_one(out_url):
    trained(out_url, 1, TinyRun("adamw"))
    with pytest.raises(CheckpointError, match=r"8 differ, first state.blocks.0.weight.exp_avg"):
        loaded(out_url)


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


def test_no_code_is_run_even_where_the_hashes_are_right(out_url):
    trained(out_url, 1)
    index, url = saved_in(out_url, 1) / ".metadata", str(saved_in(out_url, 1) / "checkpoint.json")
    index.write_bytes(pickle.dumps(Hostile()))
    manifest = read_sealed(url)
    manifest["files"][".metadata"] = {
        "bytes": index.stat().st_size,
        "sha256": files.sha256_of(str(index)),
    }
    write_sealed(url, manifest)
    with pytest.raises(CheckpointError, match=r"system, which no index .* nothing in it was run"):
        loaded(out_url)


def test_in_an_object_store(caplog):
    out_url = "memory://checkpoints/tiny.safetensors"
    digests = trained(out_url, 3)
    (run,) = files.list_names(out_url + SUFFIX)
    folder = files.join(out_url + SUFFIX, run)
    assert files.list_names(folder) == ["step-000000002", "step-000000003"]
    assert loaded(out_url).digest() == digests[3]
    files.write_bytes(files.join(folder, "step-000000003", "__0_0.distcp"), b"")
    files.write_bytes(files.join(folder, "step-000000004", "__0_0.distcp"), b"")  # a killed save
    assert loaded(out_url).digest() == digests[2]
    assert files.list_names(folder) == ["step-000000002", "step-000000003"]
    folder_of(out_url).remove()
    assert not files.exists(out_url + SUFFIX)

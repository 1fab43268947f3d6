import os
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from dalle_model import files
from dalle_model.checkpoint import (
    CheckpointError,
    Inspected,
    inspect_checkpoint,
    load_checkpoint,
    load_into,
    save_checkpoint,
)

TENSORS = {"a.w": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2], dtype=torch.uint8)}


def test_what_was_saved_is_loaded(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    sha256 = save_checkpoint(url, "dvae", TENSORS, {"side": 64}, {"step": 3})
    loaded = load_checkpoint(url, "dvae")
    assert (loaded.sha256, loaded.config, loaded.extra) == (sha256, {"side": 64}, {"step": 3})
    assert loaded.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(loaded.tensors[k], v) for k, v in TENSORS.items())


def test_equal_content_is_equal_bytes_and_plain_safetensors(tmp_path):
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    save_checkpoint(str(first), "dvae", TENSORS, {"b": 1, "a": 2})
    save_checkpoint(str(second), "dvae", dict(reversed(TENSORS.items())), {"a": 2, "b": 1})
    assert first.read_bytes() == second.read_bytes()
    assert torch.equal(safetensors.torch.load_file(first)["a.w"], TENSORS["a.w"])


def test_a_header_that_no_reader_takes_is_not_written(tmp_path, monkeypatch):
    url = f"{tmp_path}/x.safetensors"
    size = len(safetensors.torch.save(TENSORS))
    monkeypatch.setattr("dalle_model.checkpoint._MAX_HEADER_BYTES", size + 2_000)
    save_checkpoint(url, "prior", TENSORS, {})
    before = Path(url).read_bytes()
    with pytest.raises(CheckpointError, match=r"x\.safetensors is not written: .*another file"):
        save_checkpoint(url, "prior", TENSORS, {}, {"keys": ["0" * 40] * 100})
    assert Path(url).read_bytes() == before


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(CheckpointError, match=r"no prior checkpoint at .*`dalle train prior`"):
        load_checkpoint(f"{tmp_path}/none.safetensors", "prior")


def test_the_wrong_kind_names_both(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "dvae", TENSORS, {})
    with pytest.raises(CheckpointError, match="is a dvae checkpoint where a prior is needed"):
        load_checkpoint(url, "prior")


def test_a_flipped_bit_in_the_tensors_is_found(tmp_path):
    path = Path(tmp_path / "x.safetensors")
    save_checkpoint(str(path), "dvae", TENSORS, {})
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match="is corrupt"):
        load_checkpoint(str(path), "dvae")


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        (0, "is not a dvae checkpoint"),
        (4, "is not a dvae checkpoint"),
        (9, "is not a dvae checkpoint"),
        (100, "is not a dvae checkpoint"),
        (-1, "is corrupt: its tensors hash to"),
    ],
)
def test_a_truncated_file_is_refused(tmp_path, keep, why):
    path = Path(tmp_path / "x.safetensors")
    save_checkpoint(str(path), "dvae", TENSORS, {})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match=why):
        load_checkpoint(str(path), "dvae")


def test_a_strange_safetensors_file_is_refused(tmp_path):
    path = Path(tmp_path / "x.safetensors")
    path.write_bytes(safetensors.torch.save(TENSORS))
    with pytest.raises(CheckpointError, match="is not a dvae checkpoint"):
        load_checkpoint(str(path), "dvae")


def test_another_architecture_names_the_first_tensor_that_differs(tmp_path):
    url = f"{tmp_path}/x.safetensors"
    save_checkpoint(url, "dvae", nn.Linear(2, 3).state_dict(), {})
    loaded = load_checkpoint(url, "dvae")
    with pytest.raises(CheckpointError, match=r"first bias: the file has \(3,\), the model \(4,\)"):
        load_into(nn.Linear(2, 4), loaded, loaded.tensors)


def test_a_file_is_read_again_only_when_its_size_or_time_has_changed(tmp_path):
    path, url = tmp_path / "x.safetensors", f"{tmp_path}/x.safetensors"
    first = save_checkpoint(url, "dvae", TENSORS, {"side": 64})
    os.utime(path, (1, 1))
    assert inspect_checkpoint(url, "dvae") == Inspected("dvae", first, {"side": 64})
    path.write_bytes(bytes(reversed(path.read_bytes())))
    os.utime(path, (1, 1))
    assert inspect_checkpoint(url, "dvae").sha256 == first  # not read again
    os.utime(path, (2, 2))
    with pytest.raises(CheckpointError, match="its header cannot be read"):
        inspect_checkpoint(url, "dvae")
    path.unlink()
    with pytest.raises(CheckpointError, match="no dvae checkpoint at"):
        inspect_checkpoint(url, "dvae")


def test_where_no_times_are_kept_the_file_is_read_each_time():
    url = "memory://checkpoints/x.safetensors"
    for side in (64, 128):
        sha256 = save_checkpoint(url, "dvae", TENSORS, {"side": side})
        assert inspect_checkpoint(url, "dvae") == Inspected("dvae", sha256, {"side": side})
    files.remove(url)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04" + bytes(range(256)) * 4096,  # as a pickle begins
        b"\x08" + bytes(7) + b'{"a": 1}',
        b"\x02" + bytes(7) + b"[]",
        b"\xff" * 8 + b"{}",
        (2**20).to_bytes(8, "little") + b"[" * 2**20,
    ],
)
def test_what_is_no_checkpoint_is_said_in_a_line(tmp_path, content):
    path = tmp_path / "vq.safetensors"
    path.write_bytes(content)
    for read in (inspect_checkpoint, load_checkpoint):
        with pytest.raises(CheckpointError, match=r"is not a dvae checkpoint of this program") as e:
            read(str(path), "dvae")
        assert len(str(e.value)) < 300 + len(str(path))

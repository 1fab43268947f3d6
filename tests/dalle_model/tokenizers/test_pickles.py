import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dalle_model.tokenizers.pickles import ConversionError, Record, read_pickle
from tests.support.codecs import save_script

TENSORS = {
    "float": torch.arange(12.0).reshape(3, 4),
    "transposed": torch.arange(12.0).reshape(3, 4).T,
    "part": torch.arange(12.0)[5:8],
    "half": torch.tensor([1.5, -2]).half(),
    "bfloat": torch.tensor([1.5, -2]).bfloat16(),
    "long": torch.tensor([1 << 40]),
    "bool": torch.tensor([True, False]),
    "scalar": torch.tensor(3.0),
    "empty": torch.zeros(0, 3),
}


class Evil:
    """Whoever unpickles it makes a folder."""

    def __init__(self, function, *arguments):
        self.called = function, arguments

    def __reduce__(self):
        return self.called


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    def save(value, name="x.pt"):
        path = f"{tmp_path}/{name}"
        torch.save(value, path, _use_new_zipfile_serialization=request.param)
        return path

    return save


def test_every_kind_of_tensor_is_read_as_torch_reads_it(save):
    found = read_pickle(save(TENSORS)).tensors()
    assert list(found) == list(TENSORS)
    for name, expected in TENSORS.items():
        assert found[name].dtype == expected.dtype
        assert torch.equal(found[name], expected), name


def test_parameters_and_buffers_of_a_whole_module_are_named_as_in_its_state_dict(save):
    model = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 4, 3), b=nn.Sequential(nn.BatchNorm2d(4))))
    expected = model.state_dict()
    for saved in (model, expected, {"state_dict": expected, "epoch": 3}):
        found = read_pickle(save(saved)).tensors()
        assert list(found) == list(expected)
        assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_what_else_is_in_a_checkpoint_is_read_as_records(save):
    url = save({"state_dict": TENSORS, "score": np.float64(3), "hparams": torch.device("cpu")})
    found = read_pickle(url)
    assert isinstance(found.root["hparams"], Record)
    assert isinstance(found.root["score"], Record)
    assert list(found.tensors()) == list(TENSORS)


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.mkdir, "posix.mkdir"),
        (os.system, "posix.system"),
        (eval, "builtins.eval"),
        (getattr, "builtins.getattr"),
        (torch.load, "torch.serialization.load"),
        (torch.hub.load, "torch.hub.load"),
    ],
)
def test_a_pickle_with_code_is_refused_by_name_and_does_nothing(save, tmp_path, function, named):
    made = tmp_path / "made"
    argument = {os.system: f"mkdir {made}", eval: f"__import__('os').mkdir({str(made)!r})"}
    url = save({"state_dict": {"a": Evil(function, argument.get(function, str(made)))}})
    with pytest.raises(ConversionError) as caught:
        read_pickle(url)
    text = str(caught.value).replace("__builtin__", "builtins")
    assert f"asks for {named!r}" in text
    assert "nothing in it was run" in text
    assert not made.exists()


def test_the_pickle_would_have_worked(save, tmp_path):
    torch.load(save(Evil(os.mkdir, f"{tmp_path}/made")), weights_only=False)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize("protocol", range(6))
def test_a_plain_pickle_is_refused_before_anything_in_it_runs(tmp_path, protocol):
    made, path = tmp_path / "made", tmp_path / "x.pkl"
    for value, why in (
        (Evil(os.mkdir, str(made)), r"asks for 'posix\.mkdir'"),
        ([1, 2], "is no file of torch.save"),
    ):
        path.write_bytes(pickle.dumps(value, protocol))
        with pytest.raises(ConversionError, match=why):
            read_pickle(str(path))
    assert not made.exists()


def test_records_do_not_change_what_other_files_are_read_with(tmp_path):
    """BUILD can set attributes of whatever it is given, so that classes live for one file."""
    path = tmp_path / "x.pkl"
    path.write_bytes(b"cdall_e.x\nA\n(N}S'__setitem__'\nNstb.")
    with pytest.raises(ConversionError, match=r"is no file of torch\.save"):
        read_pickle(str(path))
    assert callable(Record.__setitem__)


def test_a_tensor_is_no_larger_than_its_numbers(save):
    url = save({"a": torch.zeros(1).expand(1 << 40)})
    with pytest.raises(ConversionError, match="is more than 4 bytes hold"):
        read_pickle(url).tensors()


def test_cut_and_broken_files_are_one_clear_message(save, tmp_path):
    content = Path(save(TENSORS)).read_bytes()
    path = tmp_path / "broken.pt"
    for length in (0, 1, 10, 100, len(content) // 2, len(content) - 20):
        path.write_bytes(content[:length])
        with pytest.raises(ConversionError) as caught:
            read_pickle(str(path)).tensors()
        assert len(str(caught.value)) < 500


def test_random_damage_gives_a_result_or_the_error(save, tmp_path):
    content = bytearray(Path(save(TENSORS)).read_bytes())
    draw, path = np.random.default_rng(0), tmp_path / "broken.pt"
    outcomes = set[type]()
    for _ in range(200):
        damaged = bytearray(content)
        for at in draw.integers(0, len(content), 3):
            damaged[at] ^= 1 << draw.integers(8)
        path.write_bytes(damaged)
        try:
            outcomes.add(type(read_pickle(str(path)).tensors()))
        except ConversionError:
            outcomes.add(ConversionError)
    assert outcomes == {dict, ConversionError}


def test_torchscript_and_compressed_archives_are_refused(tmp_path):
    url = f"{tmp_path}/script.pt"
    save_script(nn.Linear(2, 2), url)
    with pytest.raises(ConversionError, match="TorchScript, which holds code"):
        read_pickle(url)
    with zipfile.ZipFile(url, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"N.")
    with pytest.raises(ConversionError, match="compressed"):
        read_pickle(url)

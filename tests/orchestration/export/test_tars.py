"""Tars: the same bytes for the same members, and no tar where writing failed."""

import io
import tarfile
from typing import Any

import pytest

from orchestration.export.tars import add_member, open_tar


def add_all(tar: tarfile.TarFile, members: dict[str, Any]) -> None:
    for name, content in members.items():
        add_member(tar, name, content)


def tar_of(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with open_tar(stream) as tar:
        add_all(tar, members)
    return stream.getvalue()


def test_equal_members_are_equal_bytes():
    members = {"a.txt": b"one", "b.npy": b"\x00" * 1000}
    assert tar_of(members) == tar_of(dict(members))
    with tarfile.open(fileobj=io.BytesIO(tar_of(members))) as tar:
        found = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
        assert {(one.mtime, one.uid, one.uname) for one in tar} == {(0, 0, "")}
    assert found == members


def test_what_was_written_is_not_held():
    with open_tar(io.BytesIO()) as tar:
        add_all(tar, {f"{number}.txt": b"" for number in range(100)})
        assert tar.getmembers() == []


def test_an_error_leaves_a_tar_without_its_end():
    stream = io.BytesIO()
    with pytest.raises(TypeError), open_tar(stream) as tar:
        add_all(tar, {"a.txt": b"one", "b.txt": None})
    assert len(stream.getvalue()) == 1024  # two blocks of zeros would end it

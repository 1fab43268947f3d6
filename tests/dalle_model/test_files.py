import os

import fsspec
import pytest

from dalle_model import files


def test_a_write_makes_folders_and_replaces(tmp_path):
    url = str(tmp_path / "a" / "b.bin")
    files.write_bytes(url, b"one")
    files.write_bytes(url, b"two")
    assert files.read_bytes(url) == b"two"
    assert files.list_names(str(tmp_path / "a")) == ["b.bin"]


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_lines_are_added_at_the_end_of_a_file_that_need_not_be_there(tmp_path, scheme):
    url = f"{scheme}{tmp_path}/new/lines.jsonl"
    for line in (b"1\n", b"2\n"):
        files.append(url, line)
    assert files.read_bytes(url) == b"1\n2\n"


def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch):
    url = str(tmp_path / "b.bin")
    files.write_bytes(url, b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        files.write_bytes(url, b"new")
    monkeypatch.undo()
    assert files.read_bytes(url) == b"old"
    assert files.list_names(str(tmp_path)) == ["b.bin"]


def test_sweep_deletes_what_a_killed_writer_left(tmp_path):
    (tmp_path / ".tmp-part-1-99-abcd").write_bytes(b"half")
    (tmp_path / "part-1").write_bytes(b"whole")
    files.sweep_temporary(str(tmp_path))
    assert files.list_names(str(tmp_path)) == ["part-1"]


def test_json_of_equal_documents_is_equal_bytes(tmp_path):
    one, two = str(tmp_path / "1.json"), str(tmp_path / "2.json")
    files.write_json(one, {"a": 1, "b": "ü"})
    files.write_json(two, {"b": "ü", "a": 1})
    assert files.read_bytes(one) == files.read_bytes(two)
    assert files.read_json(one) == {"a": 1, "b": "ü"}


def test_bad_json_names_the_file(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not JSON"):
        files.read_json(str(tmp_path / "x.json"))


def test_a_folder_that_is_not_there_is_empty(tmp_path):
    assert files.list_names(str(tmp_path / "none")) == []
    files.remove(str(tmp_path / "none"))


def test_a_child_with_its_folders_name_is_listed(tmp_path):
    (tmp_path / "run" / "run").mkdir(parents=True)
    assert files.list_names(str(tmp_path / "run")) == ["run"]


def test_identity_changes_with_the_file(tmp_path):
    path = tmp_path / "x"
    path.write_text("one")
    before = files.identity(str(path))
    assert files.identity(str(path)) == before
    os.utime(path, (1, 1))
    assert files.identity(str(path)) != before


def test_the_same_door_opens_other_file_systems():
    url = "memory://bucket/run/part"
    files.write_bytes(url, b"rows")
    assert files.exists(url)
    assert files.read_bytes(url) == b"rows"
    assert files.list_names("memory://bucket/run") == ["part"]
    files.remove("memory://bucket/run")
    assert not files.exists(url)


@pytest.mark.parametrize("scheme", ["", "memory://moving"])
def test_a_file_that_was_moved_before_is_not_moved_again(tmp_path, scheme):
    root = scheme or str(tmp_path)
    source, target = files.join(root, "a"), files.join(root, "below", "b")
    files.write_bytes(target, b"old")
    files.write_bytes(source, b"new")
    for _ in range(2):
        files.move(source, target)
        assert files.read_bytes(target) == b"new"
        assert not files.exists(source)


@pytest.mark.parametrize(
    ("path", "is_local"),
    [
        ("a::b", True), ("/data/http://site.test/a", True), ("~x", True), ("file:x", True),
        ("file:///a::b", True), ("1://x", True), ("", True),
        ("s3://bucket/x", False), ("filecache::s3://bucket/x", False), ("memory://x", False),
    ],
)  # fmt: skip
def test_only_what_begins_with_a_scheme_is_a_url(path, is_local):
    assert files.is_local(path) == is_local


@pytest.mark.parametrize("name", ["a::b", "memory::x", "~", "file:x", "a:/b", os.fsdecode(b"\xe9")])
@pytest.mark.parametrize(
    "form", ["{folder}/{name}", "{name}", "./{name}", "file://{folder}/{name}"]
)
def test_a_local_path_is_taken_as_it_is(tmp_path, monkeypatch, name, form):
    monkeypatch.chdir(tmp_path)
    root = form.format(folder=tmp_path, name=name)
    url = files.join(root, "x::y.json")
    files.write_json(url, {"url": url})
    assert files.read_json(url) == {"url": url}
    assert files.exists(url)
    assert files.identity(url)["bytes"] == len(files.read_bytes(url))
    with files.open_read(url) as stream:
        assert stream.read() == files.read_bytes(url)
    assert files.list_names(root) == ["x::y.json"]
    assert (tmp_path / name / "x::y.json").is_file()
    assert len(list(tmp_path.iterdir())) == 1
    files.remove(url)
    assert files.list_names(root) == []


def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="a pipe, socket or device"):
        files.open_read(str(tmp_path / "pipe"))
    with pytest.raises(FileNotFoundError):
        files.open_read(str(tmp_path / "gone"))


def test_a_name_that_is_no_utf_8_can_be_printed():
    assert files.printable(os.fsdecode(b"caf\xe9.jpg")) == "caf\\udce9.jpg"
    assert files.printable("café.jpg") == "café.jpg"


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_a_file_is_written_piece_by_piece_and_is_whole_or_absent(tmp_path, scheme):
    url = f"{scheme}{tmp_path}/a/pieces"
    with files.writing(url) as stream:
        stream.write(b"one")
        assert not files.exists(url)
        stream.write(b"two")
    assert files.read_bytes(url) == b"onetwo"

    def fail() -> None:
        with files.writing(url) as stream:
            stream.write(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert files.read_bytes(url) == b"onetwo"
    assert files.list_names(f"{scheme}{tmp_path}/a") == ["pieces"]


@pytest.mark.parametrize("size", [0, files._ONE_PUT_BYTES, files._ONE_PUT_BYTES + 1])
def test_pieces_for_a_store_are_one_put_unless_they_are_large(tmp_path, monkeypatch, size):
    store, sent = fsspec.filesystem("memory"), []
    put = store.put_file

    def counting(_, *args):
        sent.append(args)
        put(*args)

    monkeypatch.setattr(type(store), "put_file", counting)
    url = f"memory://{tmp_path}/pieces"
    with files.writing(url) as stream:
        stream.write(bytes(size))
    assert len(files.read_bytes(url)) == size
    assert len(sent) == (size > files._ONE_PUT_BYTES)


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_a_scratch_file_has_no_name_and_can_be_read_again(tmp_path, scheme):
    with files.scratch(f"{scheme}{tmp_path}/new") as stream:
        stream.write(b"one")
        stream.seek(0)
        assert stream.read() == b"one"
        assert files.list_names(f"{scheme}{tmp_path}/new") == []


@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_sizes_are_those_of_the_files_in_a_folder(tmp_path, scheme):
    folder = f"{scheme}{tmp_path}/sized"
    for name, content in (("a", b"1"), ("b.json", b"22"), ("below/c", b"333"), ("sized", b"")):
        files.write_bytes(files.join(folder, name), content)
    assert files.list_sizes(folder) == {"a": 1, "b.json": 2, "sized": 0}
    assert files.list_sizes(files.join(folder, "")) == files.list_sizes(folder)
    assert files.list_sizes(f"{folder}/none") == {}
    assert files.sha256_of(files.join(folder, "a")) == files.sha256(b"1")


def test_what_is_not_swept_is_named(tmp_path):
    for name in (".tmp-a", "b", "a"):
        (tmp_path / name).write_bytes(b"")
    assert files.sweep_temporary(str(tmp_path)) == ["a", "b"]
    assert files.list_names(str(tmp_path)) == ["a", "b"]

"""Settings are read from a disk, a pipe or a store, and what is wrong has its file and line."""

import os
import sys
from uuid import uuid4

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from dalle_model import files
from pipelines.io.settings_file import MAX_BYTES, SettingsFileError, explain, read_settings


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sites: tuple[Inner, ...] = ()
    size: int


@pytest.fixture
def store():
    """The URL of a folder in a store that no other test has."""
    url = f"memory://{uuid4().hex}"
    yield url
    files.remove(url)


def read(url: str):
    return read_settings(url, "profile", "--profile", "a profile is a mapping")


def test_relative_paths_count_from_the_folder_of_the_file(tmp_path, store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inner").mkdir()
    for url in ("inner/x.yaml", str(tmp_path / "inner/x.yaml"), f"file://{tmp_path}/inner/x.yaml"):
        (tmp_path / "inner/x.yaml").write_text("size: 3\n")
        assert read(url).values == {"size": 3}
        assert read(url).folder == str(tmp_path / "inner")
    files.write_bytes(f"{store}/inner/x.yaml", b"size: 4\n")
    assert read(f"{store}/inner/x.yaml").values == {"size": 4}
    assert read(f"{store}/inner/x.yaml").folder == f"{store}/inner"


def test_a_pipe_of_the_shell_is_read():
    reading, writing = os.pipe()
    os.write(writing, b"size: 5\n")
    os.close(writing)
    assert read(f"/dev/fd/{reading}").values == {"size": 5}
    os.close(reading)


def test_what_cannot_be_read_names_the_file_and_the_option(tmp_path, store):
    for url in (str(tmp_path / "none.yaml"), f"{store}/none.yaml"):
        with pytest.raises(SettingsFileError) as caught:
            read(url)
        assert str(caught.value).startswith(f"{url}: cannot read the profile: ")
        assert str(caught.value).endswith("; name one with --profile FILE")


def test_a_store_whose_library_is_missing_is_an_import_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ImportError):
        read("gs://bucket/x.yaml")


def test_a_file_is_a_mapping_of_some_size(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("- a\n")
    with pytest.raises(SettingsFileError, match=r"x\.yaml:1: a profile is a mapping"):
        read(str(path))
    path.write_text("a: 1\n" + "#" * MAX_BYTES)
    with pytest.raises(SettingsFileError, match=f"{MAX_BYTES + 5} bytes; a profile has at most"):
        read(str(path))


def test_each_wrong_setting_has_its_line_and_the_name_that_was_meant(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("sites:\n  - depth: 1\n  - detph: 2\nszie: 3\n")
    file = read(str(path))
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(file.values)
    assert explain(caught.value, Outer, file.where).splitlines() == [
        f"{path}:3: sites.1.detph: unknown setting; did you mean `depth`?",
        f"{path}:1: size: is required",
        f"{path}:4: szie: unknown setting; did you mean `size`?",
    ]

"""Imports: what codes mean is said once, by the source or by the user, and books balance."""

import json
from pathlib import Path

import pytest

from dalle_model import files
from dalle_model.shards import ShardError, list_shards, read_metadata
from dalle_model.tokenizers.codec import CodecError
from dalle_model.tokenizers.registry import inspect_codec
from orchestration.token_formats.format import FormatError
from orchestration.token_formats.importing import Stated
from orchestration.token_formats.rar import FILE
from orchestration.token_sets.output import OutputError
from orchestration.token_sets.resharding import write_anew
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest, read_rejected
from tests.support.token_formats import contents, described_set, exported, imported

STATED = Stated("", 16, "3x3")


def write_lines(folder: Path, count: int, size: int = 9, copies: int = 0) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {"class_id": 0, "tokens": [n % 16, n // 16 % 16, *[0] * (size - 2)]} for n in range(count)
    ]
    lines = [json.dumps(row) + "\n" for row in [*rows, *rows[:copies]]]
    (folder / FILE).write_text("".join(lines))
    return str(folder)


def test_the_codec_is_named_by_the_user(tmp_path):
    facts = inspect_codec("demo")
    size = facts.token_shape[0] * facts.token_shape[1]
    url = write_lines(tmp_path / "a", 5, size)
    result = imported("rar", url, tmp_path / "b", Stated("demo"))
    found = result.metadata
    assert (found.codec_sha256, found.token_shape) == (facts.sha256, facts.token_shape)
    assert (found.num_codes, found.image_shape) == (facts.num_codes, facts.image_shape)
    with pytest.raises(CodecError):
        imported("rar", url, tmp_path / "c", Stated("nothing"))


@pytest.mark.parametrize("stated", [Stated(), Stated("", 16), Stated("", 0, "3x3")])
def test_it_must_be_said(tmp_path, stated):
    url = write_lines(tmp_path / "a", 5)
    with pytest.raises(FormatError, match="does not say what its codes are"):
        imported("rar", url, tmp_path / "b", stated)


@pytest.mark.parametrize("shape", ["3 x 3", "x", "0x3", "-9", "3x3x", ""])
def test_a_shape_that_is_none_is_said(tmp_path, shape):
    url = write_lines(tmp_path / "a", 5)
    with pytest.raises(FormatError, match=r"is no shape|does not say"):
        imported("rar", url, tmp_path / "b", Stated("", 16, shape))


@pytest.mark.parametrize(
    ("stated", "option"),
    [
        (Stated("demo"), "--codec"),
        (Stated("", 17), "--num-codes"),
        (Stated("", 0, "9"), "--token-shape"),
    ],
)
def test_what_contradicts_the_source_is_refused(tmp_path, stated, option):
    exported("rar", described_set(tmp_path / "a"), tmp_path / "b", classes="0")
    imported("rar", tmp_path / "b", tmp_path / "c", STATED)
    with pytest.raises(FormatError, match=f"says itself what its codes are: {option}"):
        imported("rar", tmp_path / "b", tmp_path / "d", stated)


def test_codes_of_unknown_codecs_are_not_mixed(tmp_path):
    from orchestration.engine.progress import Quiet

    urls = []
    for name, count in (("one", 5), ("other", 6)):
        imported("rar", write_lines(tmp_path / name, count), tmp_path / f"{name}-set", STATED)
        urls.append(str(tmp_path / f"{name}-set"))
    with pytest.raises(ShardError, match="cannot be mixed: preprocessing"):
        write_anew("merge", urls, str(tmp_path / "both"), 100, progress=Quiet())


def test_copies_are_rejected_and_counted(tmp_path):
    url = write_lines(tmp_path / "a", 50, copies=7)
    result = imported("rar", url, tmp_path / "b", STATED, rows_a_shard=20)
    assert (result.num_rows, result.num_copies, result.num_shards) == (50, 7, 3)
    assert "50 of 57 rows" in str(result)
    folder = StageFolder(str(tmp_path / "b"), 3)
    manifest = read_manifest(folder)
    assert manifest is not None
    rejected = read_rejected(folder, manifest)
    assert {row["reason"] for row in rejected.to_pylist()} == {"copy"}
    assert rejected.num_rows == 7


def test_an_interrupted_import_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    url, given = write_lines(tmp_path / "a", 60, copies=3), {"rows_a_shard": 10}
    imported("rar", url, tmp_path / "whole", STATED, **given)
    real, left = files.writing, {"files": 2}

    def breaking(target: str):
        left["files"] -= 1
        if left["files"] < 0:
            raise KeyboardInterrupt
        return real(target)

    monkeypatch.setattr(files, "writing", breaking)
    with pytest.raises(KeyboardInterrupt):
        imported("rar", url, tmp_path / "again", STATED, **given)
    assert list_shards(str(tmp_path / "again"))
    monkeypatch.setattr(files, "writing", real)
    imported("rar", url, tmp_path / "again", STATED, **given)
    timings = {"timings.json"}
    whole, again = (contents(tmp_path / name) for name in ("whole", "again"))
    assert whole.keys() == again.keys()
    assert {n for n in whole if whole[n] != again[n]} <= timings


def test_another_source_does_not_go_on_with_it(tmp_path):
    imported("rar", write_lines(tmp_path / "a", 5), tmp_path / "b", STATED)
    with pytest.raises(OutputError, match="is not empty"):
        imported("rar", write_lines(tmp_path / "c", 6), tmp_path / "b", STATED)


def test_formats_without_an_importer_name_those_with_one(tmp_path):
    with pytest.raises(FormatError, match="hf, webdataset, dalle-mini, llamagen, rar can"):
        imported("mds", tmp_path, tmp_path / "b")


def test_the_shards_say_who_made_them(tmp_path):
    result = imported("rar", write_lines(tmp_path / "a", 5), tmp_path / "b", STATED)
    (url,) = list_shards(str(tmp_path / "b"))
    assert read_metadata(url).fingerprint == result.metadata.fingerprint != ""
    assert str(tmp_path) not in repr(read_metadata(url))


@pytest.mark.parametrize("name", ["hf", "dalle-mini", "rar", "webdataset"])
def test_a_source_that_lacks_a_file_or_lines_is_found(tmp_path, name):
    given = {"classes": "0"} if name == "rar" else {}
    exported(name, described_set(tmp_path / "a"), tmp_path / "b", **given)
    if name == "rar":
        lines = (tmp_path / "b" / FILE).read_text().splitlines(keepends=True)
        (tmp_path / "b" / FILE).write_text("".join(lines[:-1]))
    else:
        shards = [p for p in (tmp_path / "b").rglob("*") if p.suffix in (".parquet", ".tar")]
        sorted(shards)[-1].unlink()
    with pytest.raises(FormatError, match="is to have 40 rows, and"):
        imported(name, tmp_path / "b", tmp_path / "c")
    assert not list((tmp_path / "c").glob("*.parquet"))

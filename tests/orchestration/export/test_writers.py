import json
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.export.layouts import log_schema
from orchestration.export.samples import Batch, samples_of
from orchestration.export.writers import SHARDS, finish, is_whole, members
from tests.support.finished_run import image_row

SCHEMA = log_schema([])
BATCHES = [Batch(3, n, pa.Table.from_pylist([image_row(n), image_row(n + 1)])) for n in (0, 2)]
SAMPLES = [samples_of(batch, SCHEMA.names, 10_000, "") for batch in BATCHES]


def write(folder: Path, layout: str) -> None:
    schema = SCHEMA.append(pa.field("png", pa.binary())) if layout == "parquet" else SCHEMA
    with SHARDS[layout](str(folder), 3, schema) as write:
        for samples in SAMPLES:
            write(samples)
    finish(str(folder), 3, 4)


def test_a_tar_has_sorted_members_of_no_owner_and_no_time(tmp_path):
    write(tmp_path, "webdataset")
    with tarfile.open(tmp_path / "00003.tar") as tar:
        found = tar.getmembers()
        contents = {member.name: tar.extractfile(member).read() for member in found}  # type: ignore[union-attr]
    assert [member.name for member in found] == [
        f"00003000{n}.{suffix}" for n in range(4) for suffix in ("json", "png", "txt")
    ]
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in found} == {
        (0, 0, 0, "", "", 0o444)
    }
    assert contents["000030002.txt"].decode() == "a café of number 2"


def test_the_files_of_a_sample_are_image_text_and_what_is_known():
    sample = SAMPLES[0][0]
    found = members(sample)
    assert list(found) == ["png", "json", "txt"]
    assert found["png"] == sample.image
    assert json.loads(found["json"]) == sample.metadata


@pytest.mark.parametrize("layout", SHARDS)
def test_each_batch_is_a_row_group_of_the_log(tmp_path, layout):
    write(tmp_path, layout)
    log = pq.ParquetFile(tmp_path / "00003.parquet")
    assert [log.metadata.row_group(n).num_rows for n in range(log.num_row_groups)] == [2, 2]
    assert log.schema_arrow.names == [*SCHEMA.names, *(["png"] if layout == "parquet" else [])]


def write_and_fail(folder: Path, layout: str) -> None:
    with SHARDS[layout](str(folder), 3, SCHEMA) as write:
        write(SAMPLES[0] if layout != "parquet" else [])
        raise KeyError


@pytest.mark.parametrize("layout", SHARDS)
def test_a_shard_is_whole_with_its_statistics_alone(tmp_path, layout):
    with pytest.raises(KeyError):
        write_and_fail(tmp_path, layout)
    assert not is_whole(str(tmp_path), 3)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == []
    write(tmp_path, layout)
    assert is_whole(str(tmp_path), 3)

import pyarrow.parquet as pq

from dalle_model.pixels import to_png
from dalle_model.shards import read_metadata
from pipelines.encode.alone.shards import encode_shard
from pipelines.encode.config import EncodeConfig
from pipelines.encode.shard import encode_shard as of_stage
from pipelines.rejection import Check, reject
from tests.support.image_rows import noise, row, write_images
from tests.support.own_images import ROWS, completed, own_work
from tests.support.results import whole


def nothing(_rows: int) -> None: ...


def test_a_piece_becomes_the_rows_that_the_stage_makes_sorted_by_key(tmp_path, codec_url):
    work = own_work(tmp_path / "out", codec_url, [ROWS])
    rows: list[int] = []
    encode_shard(work, 0, rows.append)
    found = pq.read_table(work.task.part(0)).to_pylist()
    task = write_images(tmp_path, sorted(ROWS, key=lambda r: r["key"]), codec_url)
    expected = whole(of_stage(task, 0, EncodeConfig(codec=codec_url, batch_size=4)))
    assert found == expected.kept.to_pylist()
    assert sum(rows) == len(ROWS)
    assert read_metadata(work.task.part(0)).fingerprint == work.task.fingerprint


def test_what_is_dropped_on_the_way_is_in_the_books(tmp_path, codec_url):
    unread = reject(row(8), "crawl", Check("bad_record", passed=False))
    small = row(7, image=to_png(noise(7, 15, 20)))
    work = own_work(tmp_path / "out", codec_url, [[unread, ROWS[0], small], []])
    for index in range(2):
        encode_shard(work, index, nothing)
    manifest = completed(work)
    assert (manifest.rows_in, manifest.rows_out) == (3, 1)
    assert manifest.rejected == {"bad_record": 1, "below_codec_side": 1}
    assert manifest.passed_over == {"odd files": 2, ".doc files": 2}
    dropped = pq.read_table(work.task.rejected(0)).to_pylist()
    assert [(one["stage"], one["reason"]) for one in dropped] == [
        ("encode", "below_codec_side"),
        ("crawl", "bad_record"),
    ]


def test_images_are_encoded_in_batches_whatever_their_number(tmp_path, codec_url):
    rows = [row(number) for number in range(150)]
    config = EncodeConfig(codec=codec_url, batch_size=7)
    work = own_work(tmp_path / "out", codec_url, [rows], config)
    encode_shard(work, 0, nothing)
    assert pq.read_metadata(work.task.part(0)).num_rows == 150

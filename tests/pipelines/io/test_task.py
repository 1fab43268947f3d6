from dalle_model import files
from pipelines.io.finish import finish_shard
from pipelines.io.task import Stopwatch, finished_shards
from tests.pipelines.io.test_finish import result, task


def test_a_shard_of_other_work_is_not_finished(tmp_path):
    finish_shard(task(tmp_path), 0, result(), Stopwatch())
    assert finished_shards(task(tmp_path, attempt="attempt-2")) == {}


def test_notes_belong_to_one_attempt_and_are_no_markers(tmp_path):
    mine, other = task(tmp_path), task(tmp_path, attempt="attempt-2")
    files.write_bytes(mine.note(1, "judged"), b"note")
    finish_shard(mine, 0, result(), Stopwatch())
    assert set(finished_shards(mine)) == {0}
    assert files.exists(mine.note(1, "judged"))
    assert not files.exists(other.note(1, "judged"))


def test_markers_that_were_read_before_are_not_read_again(tmp_path):
    for index in (1, 0):
        finish_shard(task(tmp_path), index, result(), Stopwatch())
    before = finished_shards(task(tmp_path))
    assert list(before) == [0, 1]
    files.remove(task(tmp_path).folder.marker(0))
    files.write_bytes(task(tmp_path).folder.marker(0), b"not JSON")
    assert finished_shards(task(tmp_path), before) == before
    assert list(finished_shards(task(tmp_path))) == [1]

"""What a journal has noted is known to the next one; what is on a list is in no file."""

import hashlib
from pathlib import Path

import pytest

from pipelines.fetch import journal as journal_module
from pipelines.fetch.blocklists import Blocked
from pipelines.fetch.buckets import Image, unpack_outcomes
from pipelines.fetch.journal import Journal, num_buckets
from pipelines.io.aside import ByteRange, take_back
from pipelines.web.failures import FetchFailure, Reason
from tests.support.tasks import stage_task

GONE = FetchFailure(Reason.NOT_FOUND, "HTTP 404 from http://a.test/3")


def image(number, shard=0):
    return Image(f"{number:024x}", shard, f"http://a.test/{number}")


def new(folder, limit=10):
    return Journal(str(folder), Blocked(), limit)


def taken_back(outcomes):
    places = {o.key: ByteRange(o.location, o.offset, o.length) for o in outcomes if not o.reason}
    return dict(take_back(places))


def test_outcomes_are_told_by_shard_with_where_their_bytes_are(tmp_path):
    journal = new(tmp_path)
    journal.add(7, image(1, 0), b"one")
    journal.add(7, image(2, 1), b"two")
    journal.add(8, image(3, 1), GONE)
    journal.close()
    told = [(shard, unpack_outcomes(packed)) for shard, packed in journal.by_shard()]
    assert sorted(shard for shard, _ in told) == [0, 1, 1]
    outcomes = [outcome for _, found in told for outcome in found]
    assert taken_back(outcomes) == {image(1).key: b"one", image(2).key: b"two"}
    assert [(o.reason, o.detail) for o in outcomes if o.reason] == [("not_found", GONE.detail)]


def test_a_bucket_that_has_ended_is_known_to_the_next_journal_once_its_bytes_are_written(tmp_path):
    journal = new(tmp_path)
    journal.add(7, image(1), b"one")
    journal.add(7, image(3), GONE)
    journal.end(7)
    assert new(tmp_path).read(7) == {}  # a worker that dies now has lost them
    journal.write(journal.take())
    known = new(tmp_path).read(7)
    assert known.keys() == {image(1).key, image(3).key}
    assert taken_back(known.values()) == {image(1).key: b"one"}
    assert new(tmp_path).read(8) == {}


def test_an_open_bucket_is_noted_when_there_is_much_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_NOTED_AFTER", 3)
    journal = new(tmp_path)
    for number in range(4):
        journal.add(7, image(number), b"x")
    journal.add(8, image(9), b"y")
    journal.write(journal.take())
    assert len(new(tmp_path).read(7)) == 4
    assert new(tmp_path).read(8) == {}


def test_a_bucket_that_is_taken_up_again_is_told_whole(tmp_path):
    first = new(tmp_path)
    first.add(7, image(1), b"one")
    first.end(7)
    first.close()
    second = new(tmp_path)
    second.read(7)
    second.add(7, image(2), b"two")
    second.end(7)
    second.close()
    ((shard, packed),) = second.by_shard()
    assert (shard, len(unpack_outcomes(packed))) == (0, 2)
    assert len(new(tmp_path).read(7)) == 2


def test_the_last_outcome_of_an_image_counts(tmp_path):
    journal = new(tmp_path)
    journal.add(7, image(1), b"one")
    journal.write(journal.take())
    journal.add(7, image(1), GONE)
    journal.end(7)
    journal.close()
    ((_, packed),) = journal.by_shard()
    assert [o.reason for o in unpack_outcomes(packed)] == ["not_found"]
    assert new(tmp_path).read(7)[image(1).key].reason == "not_found"


def test_it_is_full_by_bytes_or_by_outcomes(tmp_path, monkeypatch):
    journal = new(tmp_path, limit=5)
    journal.add(7, image(1), b"four")
    assert not journal.is_full
    journal.add(7, image(2), b"!")
    assert journal.is_full
    journal.take()
    assert not journal.is_full
    monkeypatch.setattr(journal_module, "_WRITTEN_AFTER", 2)
    journal.add(7, image(3), GONE)
    journal.add(7, image(4), GONE)
    assert journal.is_full


def test_an_image_on_a_list_is_written_nowhere(tmp_path):
    listed = hashlib.md5(b"listed").hexdigest()
    journal = Journal(str(tmp_path), Blocked(hashes={f"md5:{listed}": "hashes.txt: x"}))
    journal.add(7, image(1), b"listed")
    journal.add(7, image(2), b"other")
    journal.close()
    ((_, packed),) = journal.by_shard()
    assert {o.key: o.reason for o in unpack_outcomes(packed)} == {
        image(1).key: "blocked_hash", image(2).key: "",
    }  # fmt: skip
    held = b"".join(path.read_bytes() for path in Path(tmp_path).rglob("*.bin"))
    assert held == b"other"


def test_a_shard_finds_its_own_images_side_by_side(tmp_path):
    journal = new(tmp_path)
    for number in range(6):
        journal.add(number, image(number, shard=number % 2), b"%d" % number)
    journal.close()
    (aside,) = tmp_path.rglob("*.bin")
    assert aside.read_bytes() == b"024135"


@pytest.mark.parametrize("ended", [0, 2])
def test_buckets_with_a_note_are_counted(tmp_path, ended):
    task = stage_task(tmp_path, "fetch")
    journal = Journal(task.notes(journal_module.NOTED), Blocked())
    for bucket in range(ended):
        journal.add(bucket, image(bucket), GONE)
        journal.end(bucket)
    journal.close()
    assert num_buckets(task.folder) == ended

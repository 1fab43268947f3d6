from pipelines.captions.corpus import notes
from pipelines.captions.corpus.dropping import drop
from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.shard import shard_captions
from pipelines.io.task import StageTask
from tests.support.captions.funnels import candidates, filtered_of, funnel_of
from tests.support.captions.tallies import as_dict, tally_of


def task_at(root) -> StageTask:
    return StageTask(str(root), "captions", 2, "attempt", "fingerprint", (0, 1))


def test_what_is_left_is_read_as_they_were_written(tmp_path):
    table, funnel = candidates([("a", "one"), ("b", "two")]), funnel_of({"text_of_many_images": 10})
    before = filtered_of(["one", "two"], types=[["person"], []])
    fails = {"text_of_many_images": tally_of({hash_texts(["one"]).tolist()[0]: 11})}
    written = drop(shard_captions(table, before, funnel), fails, funnel.corpus_steps)
    notes.write_filtered(task_at(tmp_path), 1, written)
    read = notes.read_filtered(task_at(tmp_path), 1)
    assert read.rows.tolist() == [1]
    assert read.failures.equals(written.failures)
    for column in ("texts", "languages", "types"):
        assert getattr(read, column).to_pylist() == getattr(written, column).to_pylist()


def test_a_shard_is_noted_when_its_tallies_are(tmp_path):
    task = task_at(tmp_path)
    notes.write_filtered(task, 0, filtered_of(["one"]))
    assert not notes.is_noted(task, 0)
    tallies = {"rare_types": tally_of({0: 1, 2**64 - 1: 2**40}), "rare_ngrams": tally_of({})}
    notes.write_tallies(task, 0, tallies)
    assert notes.is_noted(task, 0)
    assert not notes.is_noted(task, 1)
    read = notes.read_tallies(task, 0)
    assert {name: as_dict(tally) for name, tally in read.items()} == {
        "rare_types": {0: 1, 2**64 - 1: 2**40}
    }

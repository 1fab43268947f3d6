from pipelines.captions.corpus import notes
from pipelines.captions.corpus.dropping import drop
from pipelines.captions.corpus.rules import TEXT_OF_MANY_IMAGES
from pipelines.io.task import StageTask
from tests.pipelines.captions.corpus.test_dropping import failing
from tests.support.captions.funnels import candidates, funnel_of, verdicts_of
from tests.support.captions.tallies import as_dict, tally_of


def task_at(root) -> StageTask:
    return StageTask(str(root), "captions", 2, "attempt", "fingerprint", (0, 1))


def test_verdicts_are_read_as_they_were_written(tmp_path):
    raw = candidates([("a", "one"), ("b", "two")])["caption"]
    before = verdicts_of(["one", "two"], types=[["person"], []])
    fails = {TEXT_OF_MANY_IMAGES: failing("one", 11)}
    written = drop(before, raw, fails, funnel_of({TEXT_OF_MANY_IMAGES: 10}))
    notes.write_verdicts(task_at(tmp_path), 1, written)
    read = notes.read_verdicts(task_at(tmp_path), 1)
    assert read.rows.tolist() == [1]
    assert read.failures.equals(written.failures)
    for column in ("texts", "languages", "types"):
        assert getattr(read, column).to_pylist() == getattr(written, column).to_pylist()


def test_a_shard_is_noted_when_its_tallies_are(tmp_path):
    task = task_at(tmp_path)
    notes.write_verdicts(task, 0, verdicts_of(["one"]))
    assert not notes.is_noted(task, 0)
    tallies = {"rare_types": tally_of({0: 1, 2**64 - 1: 2**40}), "rare_ngrams": tally_of({})}
    notes.write_tallies(task, 0, tallies)
    assert notes.is_noted(task, 0)
    assert not notes.is_noted(task, 1)
    read = notes.read_tallies(task, 0)
    assert {name: as_dict(tally) for name, tally in read.items()} == {
        "rare_types": {0: 1, 2**64 - 1: 2**40}
    }

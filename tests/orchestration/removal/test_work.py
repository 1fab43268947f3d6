"""What is noted of a removal is read back as it was, and holds no page."""

import pytest

from dalle_model import files
from orchestration.engine.lock import check_no_removal
from orchestration.engine.plan import RunError
from orchestration.removal.finding import Hits
from orchestration.removal.work import StageWork, Work, read_work, write_work
from pipelines.io.cleaned import Cleaned
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import Named

HITS = Hits({"part": "00"}, 3, 2, {"some_reason": 1}, ["k" * 40], {"http://page.example/"})
STAGES = {
    "zebra": StageWork(HITS, "11", "22", Cleaned(1, 2), is_first=True),
    "ape": StageWork(manifest="33", is_dropped=True),
}
WORK = Work(
    number=2,
    date="",
    asked={"url": 1},
    digests=frozenset({"d"}),
    also_refused=frozenset({"e"}),
    named=Named(frozenset({"k"}), frozenset({"i"})),
    stages=STAGES,
    gone=("file",),
    unfinished=("encode",),
    has_report=True,
)


def test_it_is_read_back_with_the_stages_in_their_order(tmp_path):
    run = RunFolder(str(tmp_path))
    assert read_work(run) is None
    write_work(run, WORK)
    found = read_work(run)
    assert found is not None
    assert list(found.stages) == ["zebra", "ape"]
    HITS.pages.clear()
    assert found == WORK
    assert (found.rows, sorted(found.refusals.digests)) == (4, ["d", "e"])
    assert b"page.example" not in files.read_bytes(run.removal)


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"number": 1}'])
def test_a_damaged_note_is_named(tmp_path, content):
    run = RunFolder(str(tmp_path))
    files.write_bytes(run.removal, content)
    with pytest.raises(RunError, match=r"work.json is damaged: delete it"):
        read_work(run)
    with pytest.raises(RunError, match="finishes that"):
        check_no_removal(run.url)

"""How views are laid out in the page."""

import re

from orchestration.report.page import render
from orchestration.report.views import ReportView
from pipelines.views import Pair, Pairs, Seen


def test_pairs_stand_side_by_side_and_texts_of_strangers_stay_texts() -> None:
    """Each side has its image and its text; one that cannot be shown says so."""
    pairs = Pairs(
        title="Found again",
        about="A mark is a row that was dropped.",
        left="rows of the run",
        right="what they equal",
        items=[
            Pair(Seen(b"\x89PNG", "<b>one</b>"), Seen(b"\xff\xd8", "two"), "4 bits", True),
            Pair(Seen(None, "three"), Seen(b"\x89PNG", "four"), "9 bits"),
        ],
    )
    page = render(ReportView("a run", [], [], {}, [], [pairs], []))
    figures = re.findall(r'<figure class="pair[^>]*>.*?</figure>', page, re.S)
    assert [figure.count("<img") for figure in figures] == [2, 1]
    assert ["marked" in figure for figure in figures] == [True, False]
    assert "&lt;b&gt;one&lt;/b&gt;" in figures[0]
    assert "<b>one" not in page
    assert figures[0].index("one") < figures[0].index("two") < figures[0].index("4 bits")
    assert re.findall("image/(png|jpeg)", figures[0]) == ["png", "jpeg"]
    assert "no image" in figures[1]
    assert "Left rows of the run, right what they equal." in page

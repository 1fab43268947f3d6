from collections import Counter

from pipelines.crawl import rejections
from pipelines.crawl.candidates import rejection
from pipelines.crawl.rejections import Rejections, values_of
from pipelines.rejection import REJECTION_SCHEMA


def test_rejections_become_columns_in_chunks(monkeypatch):
    monkeypatch.setattr(rejections, "_CHUNK", 2)
    rows = [rejection(f"u{n}", "c", "bad_url", measured=n or None) for n in range(5)]
    expected: Counter[tuple[object, ...]] = Counter()
    gathered = Rejections()
    for number, row in enumerate(rows):
        gathered.add(values_of(row), number)
        expected[values_of(row)] = number
    table = gathered.table()
    assert table.schema == REJECTION_SCHEMA
    assert Counter(tuple(row.values()) for row in table.to_pylist()) == +expected

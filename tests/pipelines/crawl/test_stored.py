"""Images that sources store beside pages: which is taken, and what is made of it in any order."""

import hashlib
import random
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.crawl.blobs import CandidateRef, ChangedInputError, pack, spill
from pipelines.crawl.copies import HeldRows
from pipelines.crawl.shard import complete_shard
from pipelines.crawl.stored import (
    IMAGE_OPT_OUT,
    TAKEN,
    Latest,
    StoredRef,
    pack_refs,
    ref_of,
    stored_image,
    unpack_refs,
)
from pipelines.io.aside import ByteRange
from pipelines.io.keys import image_part, pair_key
from pipelines.io.task import StageTask
from pipelines.records import Candidate
from tests.support.sources import png

TASK = StageTask("run", "crawl", 1, "attempt", "fingerprint", (0,))
URL = "http://site.test/a.png"
REFS = st.builds(
    StoredRef,
    st.sampled_from(["a" * 24, "b" * 24]),
    st.sampled_from(["", "2020", "2021"]),
    st.sampled_from(["", "noai"]),
    st.sampled_from(["0" * 24, "1" * 24]),
    st.just(ByteRange("x", 0, 1)),
)


def candidate(url: str, caption: str = "a red barn") -> Candidate:
    return Candidate(pair_key(url, caption), url, caption)


def test_an_image_is_one_by_its_bytes_and_not_too_large():
    encoded = png(1)
    found = stored_image("HTTP://Site.test:80/a.png#x", encoded, len(encoded), date="2020-01-01Z")
    assert found is not None
    assert (found.url, found.date, found.opt_out) == (URL, "2020-01-01", "")
    assert stored_image(URL, encoded, len(encoded) - 1) is None
    assert stored_image(URL, b"<!doctype html>", 1000) is None
    assert stored_image("ftp://site.test/a.png", encoded, 1000) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Robots-Tag", "noai")], "noai"),
        ([("x-robots-tag", "dallebot: noindex")], "noindex"),
        ([("x-robots-tag", "otherbot: noai")], ""),
        ([("TDM-Reservation", "1")], "tdm-reservation: 1"),
    ],
)
def test_its_headers_refuse_use_in_the_words_that_count_when_fetching(headers, expected):
    found = stored_image(URL, png(1), 10_000, headers=headers)
    assert found is not None
    assert found.opt_out == expected


@given(st.lists(REFS, max_size=6), st.randoms())
def test_the_last_one_is_taken_in_any_order(refs: list[StoredRef], chance: random.Random):
    def chosen(order: list[StoredRef]) -> set[StoredRef]:
        held = Latest()
        for ref in order:
            held.add(ref)
        return set(held.refs())

    shuffled = chance.sample(refs, len(refs))
    assert chosen(refs) == chosen(shuffled)
    assert list(unpack_refs(pack_refs(refs))) == refs
    assert {ref.image for ref in chosen(refs)} == {ref.image for ref in refs}


def test_rows_of_its_url_have_its_bytes_whatever_the_order_and_the_workers(tmp_path):
    old, new = png(1), png(2)
    images = [
        stored_image(URL, old, 10_000, date="2020-01-01T00:00:00Z"),
        stored_image(URL, new, 10_000, date="2021-01-01T00:00:00Z"),
        stored_image("http://site.test/nobody.png", png(3), 10_000),
    ]
    rows: list[Any] = [
        candidate(URL),
        candidate(URL, "another"),
        candidate("http://site.test/b.png"),
        *images,
    ]
    tables = set()
    for order in permutations(rows):
        for cut in (0, 3):
            blocks = []
            for part in (order[:cut], order[cut:]):
                worker = HeldRows(1, None)
                for row in spill(part, str(tmp_path)):
                    if isinstance(row, CandidateRef):
                        worker.add(row.candidate.key, pack(row))
                    elif isinstance(row, StoredRef):
                        worker.store(row)
                blocks += [block for _, block in worker.let_go()]
            result = complete_shard(TASK, 0, blocks, None)
            assert result.tallies == {TAKEN: 1}
            rows_kept = sorted(result.kept.to_pylist(), key=lambda row: row["key"])
            values = [tuple(row[n] for n in ("key", "sha256", "encoded")) for row in rows_kept]
            tables.add(tuple(values))
    (table,) = tables
    digest = hashlib.sha256(new).hexdigest()
    pair = sorted([candidate(URL).key, candidate(URL, "another").key])
    assert set(table) == {
        (pair[0], digest, new),
        (pair[1], digest, None),  # the first row of an image holds its bytes
        (candidate("http://site.test/b.png").key, None, None),
    }


def _shard(refs, **settings):
    worker = HeldRows(1, settings.pop("most", None))
    for caption in ("a red barn", "another"):
        worker.add(candidate(URL, caption).key, pack(CandidateRef(candidate(URL, caption))))
    for ref in refs:
        worker.store(ref)
    return complete_shard(TASK, 0, [block for _, block in worker.let_go()], None, **settings)


def test_an_image_whose_headers_refuse_use_drops_its_rows(tmp_path):
    image = stored_image(URL, png(1), 10_000, headers=[("X-Robots-Tag", "noai")])
    assert image is not None
    (ref,) = spill([image], str(tmp_path))
    result = _shard([ref])
    assert (result.kept.num_rows, result.rows_in) == (0, 2)
    assert result.rejected["reason"].to_pylist() == [IMAGE_OPT_OUT] * 2
    assert result.rejected["detail"].to_pylist() == ["noai"] * 2
    kept = _shard([ref], honours_opt_out=False).kept.to_pylist()
    assert [(row["encoded"], row["opt_out"]) for row in kept] == [(png(1), "noai"), (None, "noai")]


def test_other_bytes_in_their_place_are_noticed(tmp_path):
    image = stored_image(URL, png(1), 10_000)
    assert image is not None
    (tmp_path / "a.png").write_bytes(png(2) + bytes(100))
    ref = ref_of(image, ByteRange(str(tmp_path / "a.png"), 0, len(png(1))))
    assert ref.digest == image_part(png(1))
    with pytest.raises(ChangedInputError, match="is not what it was"):
        _shard([ref])

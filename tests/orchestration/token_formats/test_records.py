"""Samples by files: none too large, none empty, offsets that end where the file does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.token_formats import records
from orchestration.token_formats.records import packed


def start(count: int) -> int:
    return 4 + 4 * (count + 1)


@given(st.lists(st.binary(max_size=30), max_size=40), st.integers(1, 200))
def test_all_samples_are_found_by_their_offsets(samples, limit):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "LIMIT", limit)
        files = list(packed(samples, start))
    found = []
    for file in files:
        content = bytes(start(file.num_samples)) + file.content
        assert int(file.ends[-1]) == len(content)
        assert len(content) <= limit or file.num_samples == 1
        found += [content[i:j] for i, j in zip(file.ends[:-1], file.ends[1:], strict=True)]
    assert found == samples

import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.characters import Characters, letters, lower_case, upper_case

TEXTS = st.lists(st.text(max_size=12), max_size=6)


def characters(texts: list[str]) -> Characters:
    return Characters.of(pa.array(texts, pa.string()))


@pytest.mark.parametrize(
    ("kind", "is_of_kind"),
    [(letters, str.isalpha), (upper_case, str.isupper), (lower_case, str.islower)],
)
def test_tables_agree_with_python(kind, is_of_kind):
    assert kind().tolist() == [is_of_kind(chr(code)) for code in range(sys.maxunicode + 1)]


@given(TEXTS)
def test_counts_and_firsts(texts):
    found = characters(texts)
    assert found.count(letters).tolist() == [sum(map(str.isalpha, text)) for text in texts]
    firsts = [next(filter(str.isalpha, text), "\0") for text in texts]
    assert [chr(code) for code in found.first(letters)] == firsts


@given(TEXTS, st.data())
def test_take_is_as_of_texts(texts, data):
    mask = data.draw(st.lists(st.booleans(), min_size=len(texts), max_size=len(texts)))
    taken = characters(texts).take(np.array(mask, np.bool_))
    alone = characters([text for text, kept in zip(texts, mask, strict=True) if kept])
    assert taken.codes.tolist() == alone.codes.tolist()
    assert taken.offsets.tolist() == alone.offsets.tolist()

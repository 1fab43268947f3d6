import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.text.entities.chunks import chunk, chunk_words, is_plain
from pipelines.text.entities.graph import Graph, load_graph
from pipelines.text.entities.kinds import DATE, MEASURE, TITLE
from pipelines.text.entities.words import END, read, write
from pipelines.text.tagging.taggers import load_tagger
from tests.support.entities.marked import read_lines, read_marked

_TEXTS = Path(__file__).parents[4] / "demo" / "texts.tsv.gz"


@pytest.fixture(scope="module")
def tagged() -> list[tuple[str, list[tuple[str, str]]]]:
    rows = gzip.decompress(_TEXTS.read_bytes()).decode().splitlines()
    texts = sorted({row.split("\t")[1] for row in rows} - {""})[::3]
    texts += [text for text, _ in read_marked("entities.txt")]
    texts += [line.split("\t")[0] for line in read_lines("examples.tsv")]
    texts += [text.lower() for text in texts[-150:]]
    return list(zip(texts, load_tagger("perceptron").tag(texts).pairs(), strict=True))


def test_a_plain_caption_holds_no_chunk(tagged) -> None:
    graph, num_plain = load_graph(), 0
    for text, pairs in tagged:
        words = read(text, pairs)
        if is_plain(text, words, graph):
            num_plain += 1
            assert chunk_words(text, words, graph) == words
    assert num_plain > len(tagged) / 5


def test_chunks_cover_the_caption_in_order(tagged) -> None:
    for text, pairs in tagged:
        words = chunk(text, pairs, load_graph())
        assert write(words) == " ".join(text.split())
        assert words[-1].tag == END
        assert all(left.end <= right.start for left, right in pairwise(words))


def test_spans_and_names_in_one_caption() -> None:
    text = "The 2017 Pilgrimage Festival with a 5 kg cake and 'Big Fish'"
    pairs = load_tagger("perceptron").tag([text]).pairs()[0]
    found = [(word.text, word.kind) for word in chunk(text, pairs, load_graph()) if word.kind]
    assert found == [
        ("2017", DATE),
        ("Pilgrimage Festival", "festival"),
        ("5 kg", MEASURE),
        ("'Big Fish'", TITLE),
    ]


def test_a_quoted_title_that_the_graph_knows_has_its_type() -> None:
    text = "a poster of 'Citizen Kane' on a wall"
    pairs = load_tagger("perceptron").tag([text]).pairs()[0]
    graph = Graph.of({"Citizen Kane": "film"}, digest="")
    found = [(word.text, word.kind) for word in chunk(text, pairs, graph) if word.kind]
    assert found == [("'Citizen Kane'", "film")]

"""DataComp's text filter and MetaCLIP's matching, on captions of the web, against their own loops.

WordNet and ImageNet-21k's list are not here: words of the captions stand in for the one, each with
an offset, and 21,841 of as many offsets as WordNet has nouns for the other.
"""

import csv
import gzip
import random
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.measure import Row, race, speed
from pipelines.select.config import SelectConfig
from pipelines.select.entries import build, spaced
from pipelines.select.recipe import apply
from pipelines.select.synsets import NamedSynsets
from pipelines.text.language import likeliest

TEXTS = Path(__file__).parents[1] / "demo" / "texts.tsv.gz"
NUM_SYNSETS, NUM_LISTED = 82_115, 21_841  # Source: WordNet 3.0; ImageNet-21k
NUM_SLOW = 500  # captions of DataComp's loop, which takes some milliseconds for each
NUM_CAPTIONS, NUM_ENTRIES = 100_000, 500_000


def measure() -> list[Row]:
    """The rows."""
    with gzip.open(TEXTS, "rt", encoding="utf-8") as stream:
        captions = [row["caption"] for row in csv.DictReader(stream, delimiter="\t")]
    return [_text_filter(captions), _matching(captions)]


def _text_filter(captions: Sequence[str]) -> Row:
    chosen = random.Random(0).sample(list(captions), NUM_SLOW)
    with tempfile.TemporaryDirectory() as folder:
        wordnet, synsets = _stand_in(Path(folder), captions)
        settings = {"wordnet": str(wordnet), "synsets": str(synsets)}
        config = SelectConfig(recipe="datacomp_text", **settings)  # type: ignore[arg-type]
        rules = config.chosen.rules(config, None)
        words, table = NamedSynsets(str(wordnet), str(synsets)), pa.table({"text": chosen})
        listed = [int(line[1:]) for line in synsets.read_text().split()]
        kept: list[object] = []

        def ours() -> None:
            kept[:1] = [apply(rules, table).kept.tolist()]

        def theirs() -> None:
            kept[1:] = [[_is_kept(text, words.first_sense, listed) for text in chosen]]

        times = race(ours, theirs)
        if kept[0] != kept[1]:
            raise ValueError("the two filters keep different captions")
    note = (
        "DataComp's loop: each word looked up in WordNet and in a list; here by our own look-up, "
        "which takes less than NLTK's, and after a turn in which ours has seen the captions' words"
    )
    return speed(
        "DataComp's text filter", "captions", "peer: DataComp's loop", NUM_SLOW, times, note
    )


def _is_kept(text: str, sense: Callable[[str], int | None], listed: list[int]) -> bool:
    """As DataComp has it: the language of every caption, and a list in which offsets are sought."""
    is_english = likeliest([text])[0] == "en"
    return any(sense(word) in listed for word in text.split()) and is_english


def _matching(captions: Sequence[str]) -> Row:
    import ahocorasick  # type: ignore[import-not-found]  # the peer's

    drawn = random.Random(0)
    words = [text.split() for text in captions]
    many = [" ".join(drawn.choice(words)[-20:]) for _ in range(NUM_CAPTIONS)]
    entries = _entries(words)
    tree, column = build(entries), pa.array(many)
    automaton = ahocorasick.Automaton()
    for number, entry in enumerate(entries):
        automaton.add_word(f" {entry} ", number)
    automaton.make_automaton()
    padded = [f" {text} " for text in spaced(column).to_pylist()]
    found: list[object] = []

    def ours() -> None:
        found[:1] = [len(tree.find(column).entries)]

    def theirs() -> None:
        found[1:] = [sum(len({n for _, n in automaton.iter(text)}) for text in padded)]

    times = race(ours, theirs)
    if found[0] != found[1]:
        raise ValueError(f"the two find different entries: {found}")
    name = f"MetaCLIP's matching, {len(entries):,} entries"
    note = "pyahocorasick is given captions whose punctuation is already apart"
    return speed(name, "captions", "peer: pyahocorasick", NUM_CAPTIONS, times, note)


def _entries(words: Sequence[Sequence[str]]) -> list[str]:
    """Words and pairs of the captions, then pairs of any of their words, until they are enough."""
    found = dict.fromkeys(w for text in words for w in text)
    vocabulary = list(found)
    found |= dict.fromkeys(" ".join(pair) for text in words for pair in pairwise(text))
    drawn = random.Random(1)
    while len(found) < NUM_ENTRIES:
        found[" ".join(drawn.choices(vocabulary, k=drawn.choice((1, 2, 3))))] = None
    return list(found)[:NUM_ENTRIES]


def _stand_in(folder: Path, captions: Sequence[str]) -> tuple[Path, Path]:
    """Files in the form of WordNet's, with the captions' words as nouns; and the list."""
    offsets = np.arange(1, NUM_SYNSETS + 1) * 100
    listed = random.Random(2).sample(offsets.tolist(), NUM_LISTED)
    (folder / "synsets.txt").write_text("".join(f"n{offset:08d}\n" for offset in listed))
    words = sorted({word.lower() for text in captions for word in text.split()})
    rows = (f"{w} n 1 0 1 0 {offsets[i % NUM_SYNSETS]:08d}\n" for i, w in enumerate(words) if i % 3)
    (folder / "index.noun").write_text("".join(rows), encoding="utf-8")
    for name in (
        "index.verb",
        "index.adj",
        "index.adv",
        "noun.exc",
        "verb.exc",
        "adj.exc",
        "adv.exc",
    ):
        (folder / name).write_text("")
    return folder, folder / "synsets.txt"

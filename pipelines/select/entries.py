"""Which entries of a long list occur in captions, as MetaCLIP matches them: whole words in a row.

A caption with a space at both ends contains an entry with a space at both ends exactly where the
words of the entry, cut at single spaces, stand in a row among the words of the caption. So both
are cut into words, and a tree of the entries' words is walked from all words of many captions at
once, in arrays. Source of the rule: Xu et al. 2023 (MetaCLIP, arXiv 2309.16671), section 3, and
facebookresearch/MetaCLIP, whose code and list of entries may not be used commercially: none of
either is here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dalle_model.errors import UsageError

# Characters that stand apart from the words beside them, and those that part words like a space.
# Source: facebookresearch/MetaCLIP at f47f784.
_STAND_APART = (",", ".", ";", ":", "?", "!", "`")
_LIKE_A_SPACE = ("\t", "\n", "\r")
_WORD_BITS = np.uint64(32)
_NONE = np.int64(-1)
_SLOT_BITS = 22  # chosen: 4 MB, of which 500,000 entries take an eighth
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, 2^64 over the golden ratio


class EntriesError(UsageError):
    """A list of entries cannot be used."""


class Matches(NamedTuple):
    """Entries in captions, each pair once, sorted.

    Args:
        captions: int64 `[matches]`.
        entries: int64 `[matches]`, numbers in `Entries.texts`.
    """

    captions: NDArray[np.int64]
    entries: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Entries:
    """A list of entries, ready to be found.

    Args:
        texts: of the entries, each once, in the order of the list.
        word_ids: of the words that occur in entries.
        firsts: int64 `[words]`: the node below the root that a word leads to, -1 for none.
        edges: for each length of an entry from two words on, uint64, ascending: a node and the word
            that follows it.
        likely: bool `[slots]`: whether any edge falls into a slot; most that is looked for is none.
        bases: the number of the first node that each of `edges` leads to.
        ends: int64 `[nodes]`: the entry that ends at a node, -1 for none.
    """

    texts: Sequence[str]
    word_ids: dict[str, int]
    firsts: NDArray[np.int64]
    edges: tuple[NDArray[np.uint64], ...]
    bases: tuple[int, ...]
    likely: NDArray[np.bool_]
    ends: NDArray[np.int64]

    def find(self, captions: pa.Array) -> Matches:
        """The entries that occur in each caption."""
        words, owners = self._words_of(captions)
        starts = np.flatnonzero(words >= 0)
        nodes = self.firsts[words[starts]]
        found = []
        for length in range(1, len(self.edges) + 2):
            starts, nodes = starts[nodes >= 0], nodes[nodes >= 0]
            is_entry = self.ends[nodes] >= 0
            found.append((owners[starts[is_entry]], self.ends[nodes[is_entry]]))
            if length <= len(self.edges):
                starts, nodes = self._longer(words, owners, starts, nodes, length)
        captions_of, entries_of = zip(*found, strict=True)
        return _each_once(np.concatenate(captions_of), np.concatenate(entries_of))

    def _longer(
        self,
        words: NDArray[np.int64],
        owners: NDArray[np.int64],
        starts: NDArray[np.int64],
        nodes: NDArray[np.int64],
        length: int,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The runs of one word more."""
        nexts = starts + length
        fits = nexts < len(words)
        starts, nodes, nexts = starts[fits], nodes[fits], nexts[fits]
        goes_on = (owners[nexts] == owners[starts]) & (words[nexts] >= 0)
        starts, nodes, nexts = starts[goes_on], nodes[goes_on], nexts[goes_on]
        edges = self.edges[length - 1]
        wanted = (nodes.astype(np.uint64) << _WORD_BITS) | words[nexts].astype(np.uint64)
        may_be = self.likely[_slots(wanted)]
        starts, wanted = starts[may_be], wanted[may_be]
        places = np.minimum(np.searchsorted(edges, wanted), len(edges) - 1)
        is_edge = edges[places] == wanted
        return starts[is_edge], places[is_edge] + self.bases[length - 1]

    def _words_of(self, captions: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All words in a row: their numbers, -1 for those of no entry, and their captions."""
        lists = pc.split_pattern(spaced(captions), " ")
        counts = np.asarray(pc.list_value_length(lists), np.int64)
        owners = np.repeat(np.arange(len(captions)), counts)
        encoded = lists.flatten().dictionary_encode()
        known = [self.word_ids.get(word, -1) for word in encoded.dictionary.to_pylist()]
        ids = np.array(known, np.int64)
        return ids[np.asarray(encoded.indices)] if len(ids) else ids, owners


def spaced(captions: pa.Array) -> pa.Array:
    """Captions with their punctuation between spaces, and other white space as spaces."""
    for mark in _STAND_APART:
        captions = pc.replace_substring(captions, mark, f" {mark} ")
    for mark in _LIKE_A_SPACE:
        captions = pc.replace_substring(captions, mark, " ")
    return captions


def build(texts: Sequence[str]) -> Entries:
    """The tree of some entries; an entry that stands there twice counts once.

    Raises:
        EntriesError: there are none.
    """
    texts = [text for text in dict.fromkeys(texts) if text.strip()]
    if not texts:
        raise EntriesError("the list of entries is empty; give one with an entry a line")
    words = [text.split(" ") for text in texts]
    word_ids: dict[str, int] = {}
    for one in words:
        for word in one:
            word_ids.setdefault(word, len(word_ids))
    lengths = np.array([len(one) for one in words])
    ids = np.array([word_ids[word] for one in words for word in one], np.uint64)
    offsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return _tree(texts, word_ids, ids, offsets, lengths)


def _tree(
    texts: Sequence[str],
    word_ids: dict[str, int],
    ids: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> Entries:
    """Node by node, one word deeper at a time: a node is a run of words that begins some entry."""
    used, nodes = np.unique(ids[offsets], return_inverse=True)
    firsts = np.full(len(word_ids), _NONE)
    firsts[used.astype(np.int64)] = np.arange(len(used))
    ends, edges, bases = [_ends(len(used), nodes, lengths == 1)], [], []
    rows, base = np.arange(len(lengths)), 0
    for depth in range(1, int(lengths.max())):
        longer = lengths[rows] > depth
        rows, nodes = rows[longer], nodes[longer]
        keys = ((nodes + base).astype(np.uint64) << _WORD_BITS) | ids[offsets[rows] + depth]
        base = sum(map(len, ends))
        distinct, nodes = np.unique(keys, return_inverse=True)
        edges.append(distinct)
        bases.append(base)
        ends.append(_ends(len(distinct), nodes, lengths[rows] == depth + 1, rows))
    likely = np.zeros(1 << _SLOT_BITS, np.bool_)
    for keys in edges:
        likely[_slots(keys)] = True
    ended = np.concatenate(ends)
    return Entries(texts, word_ids, firsts, tuple(edges), tuple(bases), likely, ended)


def _slots(edges: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A slot for each edge, by multiplicative hashing. Source: Knuth, TAOCP 3, section 6.4."""
    return (edges * _FACTOR) >> np.uint64(64 - _SLOT_BITS)


def _ends(
    count: int,
    nodes: NDArray[np.int64],
    is_end: NDArray[np.bool_],
    rows: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    found = np.full(count, _NONE)
    found[nodes[is_end]] = np.flatnonzero(is_end) if rows is None else rows[is_end]
    return found


def _each_once(captions: NDArray[np.int64], entries: NDArray[np.int64]) -> Matches:
    pairs = np.sort((captions.astype(np.uint64) << _WORD_BITS) | entries.astype(np.uint64))
    if len(pairs):  # `np.unique` takes ten times as long
        pairs = pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])]
    return Matches(
        (pairs >> _WORD_BITS).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)
    )

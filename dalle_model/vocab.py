"""Captions as tokens: byte-level BPE, lower-cased, with seeded dropout of merges for training."""

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from os import environ
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from dalle_model import files
from dalle_model.errors import DalleError

START_OF_TEXT = "<|startoftext|>"
START_OF_IMAGE = "<|startofimage|>"
SPECIAL_TOKENS = [START_OF_TEXT, START_OF_IMAGE]
SMALLEST_VOCAB = 256 + len(SPECIAL_TOKENS)  # every byte has a token, so no caption is unknown
FRAME_TOKENS = 2  # start of text before the caption, start of image after its padding


class Cut(NamedTuple):
    """A caption that is longer than the text positions of a prior.

    Args:
        num_tokens: of the whole caption, without start tokens.
        num_read: the first so many are read.
        left_out: the text of the others.
    """

    num_tokens: int
    num_read: int
    left_out: str


class VocabError(DalleError):
    """A text tokenizer cannot be trained or read: which one, why, and what to do."""


def train_bpe(captions: Iterable[str], vocab_size: int) -> bytes:
    """Learn BPE merges from captions; equal captions in any order give equal bytes.

    Args:
        captions: text of any case; each counts as often as it occurs.
        vocab_size: upper bound of the vocabulary, special tokens and 256 bytes included.

    Returns:
        The tokenizer as JSON, in the format of the `tokenizers` library.

    Raises:
        VocabError: `vocab_size` has no room for the bytes.
    """
    if vocab_size < SMALLEST_VOCAB:
        raise VocabError(f"a BPE vocabulary needs {SMALLEST_VOCAB} entries, got {vocab_size}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    with _single_thread():
        tokenizer.train_from_iterator(sorted(captions), trainer)
    return str(tokenizer.to_str()).encode()


class CaptionTokenizer:
    """Turns captions into ids and back.

    Args:
        content: JSON from `train_bpe`.
        origin: where it was read from, for error messages.
        frame: the tokens before a caption and after it; others in the vocabularies of others.

    Attributes:
        frame_ids: their ids.

    Raises:
        VocabError: not a tokenizer from `train_bpe`.
    """

    def __init__(
        self,
        content: bytes,
        origin: str = "the given bytes",
        frame: tuple[str, str] = (START_OF_TEXT, START_OF_IMAGE),
    ) -> None:
        self.content = content
        try:
            self._tokenizer = Tokenizer.from_buffer(content)
            merges = json.loads(content)["model"]["merges"]
        except Exception as error:  # the library raises bare Exception for any malformed JSON
            raise VocabError(
                f"{origin} is not a caption tokenizer: {error}; `dalle train bpe` makes one"
            ) from error
        self._ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
        self._ids: dict[str, int] = self._tokenizer.get_vocab()
        missing = [token for token in frame if token not in self._ids]
        if missing:
            raise VocabError(f"{origin} has no tokens {missing}; `dalle train bpe` makes one")
        self.frame_ids = self._ids[frame[0]], self._ids[frame[1]]

    @classmethod
    def load(cls, url: str) -> "CaptionTokenizer":
        """Read a tokenizer file.

        Raises:
            VocabError: missing, or not a tokenizer.
        """
        try:
            return cls(files.read_bytes(url), url)
        except FileNotFoundError as error:
            raise VocabError(f"{url} is missing; `dalle train bpe` makes it") from error

    def save(self, url: str) -> None:
        """Write the tokenizer file atomically."""
        files.write_bytes(url, self.content)

    @cached_property
    def sha256(self) -> str:
        """Digest of the JSON."""
        return files.sha256(self.content)

    @property
    def size(self) -> int:
        """Number of ids; every id is below it."""
        return len(self._ids)

    def encode(self, caption: str, dropout: float = 0.0, seed: int = 0) -> list[int]:
        """Ids of a caption, without start tokens and padding.

        Args:
            caption: text of any case.
            dropout: probability of skipping a possible merge, at each step of merging.
            seed: of the skipped merges, together with the caption.

        Source: Provilkov et al. 2020, algorithm 1; Ramesh et al. 2021 use 0.1 in training.
        """
        if dropout == 0:
            return list(self._tokenizer.encode(caption, add_special_tokens=False).ids)
        rng = random.Random(f"{seed}:{caption}")
        normal = self._tokenizer.normalizer.normalize_str(caption)
        words = self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)
        return [self._ids[piece] for word, _ in words for piece in self._merge(word, dropout, rng)]

    def cut(self, caption: str, text_len: int) -> Cut | None:
        """What `encode_batch` leaves out of a caption, when no merge is dropped.

        Args:
            caption: text of any case.
            text_len: text positions, those of the start tokens included.

        Returns:
            None where the caption is read to its end.
        """
        room = max(0, text_len - FRAME_TOKENS)
        if caption.isascii() and len(caption) < room:  # a token is a byte or more, one is put first
            return None
        encoding = self._tokenizer.encode(caption, add_special_tokens=False)
        if len(encoding) <= room:
            return None
        left_out = caption[encoding.offsets[room][0] :].strip()
        return Cut(len(encoding), room, left_out)

    def encode_batch(
        self,
        captions: list[str],
        text_len: int,
        pad_id: int,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> npt.NDArray[np.int64]:
        """Captions as the text part of the prior's stream; of long ones, `cut` tells the rest.

        Returns:
            int64 `(len(captions), text_len)`: start of text, caption, `pad_id`, start of image.

        Raises:
            VocabError: `text_len` has no room for the two start tokens, or `pad_id` is a token.
        """
        if text_len < FRAME_TOKENS or pad_id < self.size:
            raise VocabError(
                f"text_len is {text_len} and pad_id {pad_id}: at least {FRAME_TOKENS} positions "
                f"and an id outside the vocabulary of {self.size} are needed"
            )
        batch = np.full((len(captions), text_len), pad_id, np.int64)
        for row, caption in zip(batch, captions, strict=True):
            ids = self.encode(caption, dropout, seed)[: text_len - FRAME_TOKENS]
            row[1 : 1 + len(ids)] = ids
        batch[:, 0], batch[:, -1] = self.frame_ids
        return batch

    def decode(self, ids: Iterable[int]) -> str:
        """The lower-cased text of ids; start tokens are left out."""
        return str(self._tokenizer.decode(list(ids))).strip()

    def _merge(self, word: str, dropout: float, rng: random.Random) -> list[str]:
        pieces = list(word)
        while True:
            pairs = itertools.pairwise(pieces)
            ranked = [(self._ranks.get(pair), index) for index, pair in enumerate(pairs)]
            kept = [(r, i) for r, i in ranked if r is not None and rng.random() >= dropout]
            if not kept:
                return pieces
            index = min(kept)[1]
            pieces[index : index + 2] = [pieces[index] + pieces[index + 1]]


@contextmanager
def _single_thread() -> Iterator[None]:
    """Stop the library from starting threads, which would not survive a later fork."""
    before = environ.get("TOKENIZERS_PARALLELISM")
    environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del environ["TOKENIZERS_PARALLELISM"]
        else:
            environ["TOKENIZERS_PARALLELISM"] = before

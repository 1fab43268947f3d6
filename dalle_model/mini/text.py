"""Captions as DALL·E mini reads them: `<s>`, the caption, `</s>`, and padding behind it."""

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from dalle_model import files
from dalle_model.mini.normalise import normalise
from dalle_model.vocab import FRAME_TOKENS, CaptionTokenizer, VocabError

BART_FRAME = ("<s>", "</s>")  # Source: BART's vocabulary
_UNKNOWN = "<unk>"


class MiniTokenizer:
    """Turns captions into ids by byte-level BPE.

    Args:
        content: JSON from `bart_bpe`, whose captions stand between `<s>` and `</s>`, or from
            `train_bpe`, whose own two special tokens take their place.
        normalises: whether captions are written as dalle-mini writes them: `normalise`.
        origin: where it was read from, for error messages.

    Raises:
        VocabError: it is neither.
    """

    def __init__(
        self, content: bytes, normalises: bool = False, origin: str = "the given bytes"
    ) -> None:
        self.content, self.normalises = content, normalises
        is_bart = _has_tokens(content, BART_FRAME)
        frame = {"frame": BART_FRAME} if is_bart else {}
        self._captions = CaptionTokenizer(content, origin, **frame)

    @property
    def size(self) -> int:
        """Number of ids; every id is below it."""
        return self._captions.size

    def encode_batch(
        self,
        captions: Sequence[str],
        text_len: int,
        pad_id: int,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> npt.NDArray[np.int64]:
        """Captions as the encoder reads them; the empty one is what guidance leads away from.

        Args:
            captions: text; of long ones the beginning is read.
            text_len: positions.
            pad_id: that fills them.
            dropout: probability of skipping a possible merge, at each step of merging.
            seed: of the skipped merges, together with the caption.

        Returns:
            int64 `(len(captions), text_len)`.

        Raises:
            VocabError: `text_len` has no room for the frame.

        Source: dalle-mini `model/processor.py`: cut off so that the end stays, and the empty
        caption is not normalised.
        """
        if text_len < FRAME_TOKENS:
            raise VocabError(f"text_len is {text_len}, at least {FRAME_TOKENS} are needed")
        begin, end = self._captions.frame_ids
        batch = np.full((len(captions), text_len), pad_id, np.int64)
        for row, caption in zip(batch, captions, strict=True):
            text = normalise(caption) if self.normalises and caption else caption
            ids = self._captions.encode(text, dropout, seed)[: text_len - FRAME_TOKENS]
            row[: len(ids) + FRAME_TOKENS] = [begin, *ids, end]
        return batch


def bart_bpe(vocab_url: str, merges_url: str) -> bytes:
    """BART's `vocab.json` and `merges.txt` as one JSON of the `tokenizers` library.

    Each caption begins with a space, as dalle-mini's normaliser and min-dalle have it.

    Raises:
        VocabError: a file is missing or something else.
    """
    try:
        vocab = json.loads(files.read_bytes(vocab_url))
        lines = files.read_bytes(merges_url).decode().splitlines()
        merges = [_pair(line) for line in lines if line and not line.startswith("#version")]
        model = models.BPE(vocab, merges, unk_token=_UNKNOWN)
    except Exception as error:  # of reading, of JSON, and bare ones of the library
        raise VocabError(
            f"{vocab_url} and {merges_url} are no vocabulary and merges of BART: "
            f"{str(error)[:200]}; they are published beside the weights"
        ) from error
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    return str(tokenizer.to_str()).encode()


def _pair(line: str) -> tuple[str, str]:
    first, second = line.split()
    return first, second


def _has_tokens(content: bytes, tokens: Sequence[str]) -> bool:
    try:
        return set(tokens) <= set(json.loads(content)["model"]["vocab"])
    except (ValueError, KeyError, TypeError):
        return False

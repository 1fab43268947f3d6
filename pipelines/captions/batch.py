"""A columnar batch of captions; derived columns are lazy and filtered together."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.text.characters import Characters
from pipelines.text.language import Speech, SpokenColumn, spoken_column
from pipelines.text.lexicons.profanity import BETTER_PROFANITY
from pipelines.text.lexicons.vocabulary import WORDFREQ
from pipelines.text.segmentation import words_of
from pipelines.text.tagging.tagged import Tagged
from pipelines.text.tokens import Tokens

# Chosen: enough to share the cost of a call, few enough that columns stay in the processor's cache.
BATCH_CAPTIONS = 16_384

TextMap = Callable[[pa.StringArray], pa.StringArray]


@dataclass(frozen=True)
class ColumnSpec:
    """How the columns of a batch are derived, and the word lists of its rules: a recipe's choices.

    Args:
        normalise: raw -> normal.
        crop: normal -> text.
        speech: the language wanted.
        tag: text -> parts of speech; loads its model at the first call.
        vocabulary: as `load_vocabulary` takes it.
        profanities: as `load_phrases` takes it.
    """

    normalise: TextMap
    crop: TextMap
    speech: Speech
    tag: Callable[[Sequence[str]], Tagged]
    vocabulary: str = WORDFREQ
    profanities: str = BETTER_PROFANITY


class Batch:
    """Captions in all their states.

    Args:
        raw: as found.
        spec: how the other columns are derived.
        texts_of_image: captions that the same image has in all the data, float64 `[captions]`;
            NaN where it is not known.
        unresolved: names that the rewriting left as they are, float64 `[captions]`; NaN before it.
    """

    def __init__(
        self,
        raw: pa.StringArray,
        spec: ColumnSpec,
        texts_of_image: NDArray[np.float64] | None = None,
        unresolved: NDArray[np.float64] | None = None,
    ) -> None:
        self.raw, self.spec = raw, spec
        unknown = np.full(len(raw), np.nan)
        self.texts_of_image = unknown if texts_of_image is None else texts_of_image
        self.unresolved = unknown if unresolved is None else unresolved

    def __len__(self) -> int:
        return len(self.raw)

    @cached_property
    def normal(self) -> pa.StringArray:
        """Normalised, still in its frame of boilerplate."""
        return self.spec.normalise(self.raw)

    @cached_property
    def text(self) -> pa.StringArray:
        """Normalised and cropped; what the rules look at unless they say otherwise."""
        return self.spec.crop(self.normal)

    @cached_property
    def characters(self) -> Characters:
        """Of `text`."""
        return Characters.of(self.text)

    @cached_property
    def words(self) -> Tokens:
        """Of `text`: letters and digits with inner apostrophes and hyphens."""
        return words_of(self.characters)

    @cached_property
    def lowered(self) -> Tokens:
        """`words` in lower case."""
        return self.words.mapped(str.lower)

    @cached_property
    def tagged(self) -> Tagged:
        """Words and signs of `text` with their parts of speech."""
        return self.spec.tag(self.text.to_pylist())

    @cached_property
    def spoken(self) -> SpokenColumn:
        """The language of `text`."""
        return spoken_column(self.text, self.spec.speech)

    def take(self, mask: NDArray[np.bool_]) -> "Batch":
        """The captions where `mask`, bool `[captions]`, is true, with all that is derived."""
        if mask.all():
            return self
        taken = copy(self)
        derived = {
            name: _cut(column, mask) for name, column in vars(self).items() if name != "spec"
        }
        taken.__dict__.update(derived)
        return taken


def unchanged(texts: pa.StringArray) -> pa.StringArray:
    """For a spec that neither normalises nor crops."""
    return texts


def _cut(column: Any, mask: NDArray[np.bool_]) -> Any:
    if isinstance(column, pa.Array):
        return column.filter(pa.array(mask))
    return column[mask] if isinstance(column, np.ndarray) else column.take(mask)

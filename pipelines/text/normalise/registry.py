"""All normalising steps by name, and the normaliser made of some of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.text.normalise.clean import CLEAN
from pipelines.text.normalise.dalle_mini import DALLE_MINI
from pipelines.text.normalise.redcaps import REDCAPS
from pipelines.text.normalise.step import NormalisingStep
from pipelines.text.prefilter import map_matching

# Chosen: double escaping and mojibake of mojibake are undone in three rounds; more is hostile.
MAX_ROUNDS = 8

NORMALISING_STEPS: Mapping[str, NormalisingStep] = MappingProxyType(
    {**CLEAN, **REDCAPS, **DALLE_MINI}
)

# Projects that decide what a step does; versions of Python decide the rest, by their Unicode.
_PROJECTS = {
    "entities": "ftfy",
    "unicode": "ftfy",
    "nfkd": "ftfy",
    "fix_text": "ftfy",
    "transliterate": "anyascii",
    "split_hashtags": "wordfreq",
}


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Steps in order, again and again until they change nothing.

    One step can uncover work for an earlier one, such as an entity behind fullwidth letters.

    Args:
        steps: first to last.
    """

    steps: tuple[NormalisingStep, ...]

    def __call__(self, text: str) -> str:
        """The normal form; normalising it again changes nothing.

        Empty where the text still changes after `MAX_ROUNDS`.
        """
        for _ in range(MAX_ROUNDS):
            changed = text
            for step in self.steps:
                changed = step(changed)
            if changed == text:
                return changed
            text = changed
        return ""

    def column(self, texts: pa.StringArray) -> pa.StringArray:
        """The same of each text; a step is called only where RE2 says that it can matter."""
        is_open, open_texts = np.ones(len(texts), np.bool_), texts
        for _ in range(MAX_ROUNDS):
            changed = open_texts
            for step in self.steps:
                changed = map_matching(changed, step.touches.pattern, step.change)
            texts = pc.replace_with_mask(texts, pa.array(is_open), changed)
            moved = pc.not_equal(changed, open_texts)
            is_open[is_open] = moved.to_numpy(zero_copy_only=False)
            if not is_open.any():
                return texts
            open_texts = changed.filter(moved)
        return pc.if_else(pa.array(is_open), "", texts)


def normaliser(names: Iterable[str]) -> Normaliser:
    """The normaliser of these steps, keys of `NORMALISING_STEPS`, in this order."""
    return Normaliser(tuple(NORMALISING_STEPS[name] for name in names))


def versions(names: Iterable[str]) -> dict[str, str]:
    """Version of each project that these steps use, for a fingerprint."""
    projects = {_PROJECTS[name] for name in names if name in _PROJECTS}
    return {project: version(project) for project in sorted(projects)}

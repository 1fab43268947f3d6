"""Which labels an image has, and how many of them its caption names."""

import re
from collections.abc import Sequence

from pipelines.label_overlap.config import LabelOverlapConfig
from pipelines.label_overlap.lemmas import base_forms
from pipelines.text.tagging.tokenise import tokenise

SEPARATOR = "; "  # of labels in one text

Scored = tuple[str, float]  # a label and its score

_SYNSET = re.compile(r"^n\d{8}\s+")  # before a name, in lists of ImageNet's classes
_WORD = re.compile(r"[^\W_]+")


def chosen_labels(labels: Sequence[Scored], config: LabelOverlapConfig) -> list[str]:
    """The labels that an image has, the best first; of equal scores the first as given.

    Args:
        labels: with their scores, in any order.
        config: how many.
    """
    ordered = sorted(labels, key=lambda one: -one[1])[: config.max_labels]
    return [
        label
        for place, (label, score) in enumerate(ordered)
        if place < config.min_labels or score >= config.min_score
    ]


def overlap(labels: Sequence[str], caption: str) -> int:
    """How many labels a caption names.

    A label is named where the caption has the last word of it, or of another name that stands
    behind a comma, in any form: what "golden retriever" says is "retriever".
    """
    (words,) = tokenise([caption]).lists()
    forms = {form for word in words for part in _WORD.findall(word) for form in base_forms(part)}
    return sum(bool(forms & _heads(label)) for label in labels)


def clean_label(text: str) -> str:
    """A label in one line, in which the separator of labels does not occur."""
    spaced = " ".join(_SYNSET.sub("", text).replace("_", " ").split())
    return spaced.replace(SEPARATOR.strip(), ",")


def _heads(label: str) -> set[str]:
    names = (_WORD.findall(name) for name in label.split(","))
    return {form for words in names if words for form in base_forms(words[-1])}

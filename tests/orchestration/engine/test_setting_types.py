from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Lt
from pydantic import BaseModel, Field

from orchestration.engine.setting_types import class_in, in_words, limits_in_words


class Section(BaseModel):
    side: int = 1


@dataclass
class Training:
    steps: int = 1


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (int, "whole number"),
        (bool | None, "true or false or null"),
        (Literal["png", "jpeg"], "png | jpeg"),
        (tuple[str, ...], "list of text"),
        (tuple[float, float], "2 of number"),
        (dict[str, float | str | None], "mapping to number or text or null"),
        (str | Annotated[int, Field(ge=0)], "text or whole number"),
    ],
)
def test_types_in_words(annotation, words):
    assert in_words(annotation) == words


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        (Section, (Section, False)),
        (Section | None, (Section, False)),
        (tuple[Section, ...], (Section, True)),
        (Training, (Training, False)),
        (tuple[str, ...], (None, False)),
        (int | None, (None, False)),
    ],
)
def test_classes_of_settings_inside_of_others(annotation, found):
    assert class_in(annotation) == found


def test_limits_in_words():
    assert limits_in_words([Ge(8), Lt(0.5)]) == ["at least 8", "below 0.5"]
    assert limits_in_words([]) == []

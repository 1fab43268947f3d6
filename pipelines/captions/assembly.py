"""The values of a recipe -> its funnel; models and word lists are loaded when first used."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pyarrow as pa
from pydantic import ValidationError

from dalle_model.errors import DalleError
from pipelines.captions.batch import Reading
from pipelines.captions.boilerplate import crop_column
from pipelines.captions.data.images import IMAGE_WITH_MANY_TEXTS
from pipelines.captions.funnel import Funnel, Steps
from pipelines.captions.language import Speech
from pipelines.captions.normalise.registry import normaliser
from pipelines.captions.rules.language import LANGUAGE
from pipelines.captions.rules.registry import rules
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.captions.settings import Settings
from pipelines.captions.tagging.tagged import Tagged

REWRITTEN = "transformed_"  # before the name of a rule that looks at what the rewriting leaves

Value = bool | int | float | str
Section = Mapping[str, Value]


class RecipeError(DalleError):
    """A recipe cannot be used: which, at which line, why, and what would do."""


def assemble(sections: Mapping[str, Section]) -> Funnel:
    """The funnel of a recipe.

    Args:
        sections: all of `pipelines.captions.recipe.SECTIONS`, with known names.

    Raises:
        RecipeError: a value has a wrong type.
    """
    settings = settings_of(sections["settings"])
    known = rules(settings)
    limits = {name: _number(name, value) for name, value in sections["rules"].items()}
    data = {name: _number(name, value) for name, value in sections["data"].items()}
    steps = [(known[name], limits[name]) for name in sorted(limits, key=lambda n: n != RAW_LENGTH)]
    if (shared := data.pop(IMAGE_WITH_MANY_TEXTS.name, None)) is not None:
        steps.append((IMAGE_WITH_MANY_TEXTS, shared))
    return Funnel(
        reading=_reading(settings, sections["normalise"], limits.get(LANGUAGE)),
        steps=tuple(steps),
        rewrite=None,
        rewritten_steps=_rewritten_steps(known, sections["transformed"]),
        data=data,
    )


def settings_of(section: Section) -> Settings:
    """The settings of a recipe.

    Raises:
        RecipeError: a value has a wrong type.
    """
    try:
        return Settings.model_validate(dict(section))
    except ValidationError as error:
        first = error.errors()[0]
        raise RecipeError(f"captions: {first['loc'][0]}: {first['msg']}") from error


def _reading(settings: Settings, steps: Iterable[str], min_probability: float | None) -> Reading:
    speech = Speech(
        language=settings.language,
        judged_letters=settings.judged_letters,
        clear_probability=settings.clear_probability,
    )
    if min_probability is not None:
        speech = replace(speech, min_probability=min_probability)
    return Reading(
        normalise=normaliser(steps).column,
        crop=crop_column if settings.crop_boilerplate else _same,
        speech=speech,
        tag=partial(_tag, settings.tagger),
    )


def _rewritten_steps(known: Mapping[str, Rule], section: Section) -> Steps:
    return tuple(
        (replace(known[name], name=REWRITTEN + name), _number(REWRITTEN + name, value))
        for name, value in section.items()
    )


def _number(name: str, value: Value) -> float:
    if isinstance(value, str):
        raise RecipeError(f"captions: {name} must be a number, not {value!r}")
    return float(value)


def _same(texts: pa.StringArray) -> pa.StringArray:
    return texts


def _tag(tagger: str, texts: Sequence[str]) -> Tagged:
    from pipelines.captions.tagging.taggers import load_tagger

    return load_tagger(tagger).tag(texts)

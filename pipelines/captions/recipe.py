"""Recipes: which steps and rules, in which order, at which limits, and where every number is from.

A recipe is YAML: `about` and the sections of `Recipe`. The order of a section is the order of its
steps or rules. Each entry says its source, or "chosen" and the reason.
"""

import posixpath
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dalle_model import files
from dalle_model.files import sha256
from pipelines.captions.assembly import REWRITTEN, RecipeError, Value, assemble, versions
from pipelines.captions.corpus.registry import RULES as CORPUS_RULES
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.funnel import Funnel
from pipelines.captions.rules.registry import RULES
from pipelines.captions.rules.rule import Rule
from pipelines.captions.settings import Settings, located
from pipelines.io.strict_yaml import StrictYamlError, compose, construct, key_lines
from pipelines.io.suggest import did_you_mean
from pipelines.text.entities.rewriting import REWRITING_STEPS
from pipelines.text.normalise.clean import CLEAN
from pipelines.text.normalise.registry import NORMALISING_STEPS

FOLDER = Path(__file__).parent.parent / "recipes"
MAX_BYTES = 65_536  # Chosen: ten times the longest recipe here; a larger file is a wrong path
STEP_SECTIONS = ("normalise", "transform")
SECTIONS = ("settings", "normalise", "rules", "transform", "transformed", "data")

Overrides = Mapping[str, Value | None]


class StepEntry(BaseModel):
    """A step is done, or it is not in the recipe; where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str = Field(min_length=8)

    @property
    def value(self) -> Value:
        """For one form with the entries that have one."""
        return True


class ValueEntry(BaseModel):
    """A value and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    value: Value
    source: str = Field(min_length=8)


class Recipe(BaseModel):
    """A recipe file as written.

    Args:
        about: what it is, for people.
        settings: as `Settings`.
        normalise: steps on the raw text; `entities`, `spaces` and `unicode` where it is left out.
        rules: limits of the rules on one caption.
        transform: steps that rewrite a caption that passed.
        transformed: limits of the same rules on what the rewriting leaves.
        data: limits of the rules over all data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    about: str
    settings: dict[str, ValueEntry] = Field(default_factory=dict)
    normalise: dict[str, StepEntry] | None = None
    rules: dict[str, ValueEntry]
    transform: dict[str, StepEntry] = Field(default_factory=dict)
    transformed: dict[str, ValueEntry] = Field(default_factory=dict)
    data: dict[str, ValueEntry] = Field(default_factory=dict)


def known_names() -> dict[str, tuple[str, ...]]:
    """The names that recipes may use, by section; rules that were registered are among them."""
    return {
        "settings": tuple(Settings.model_fields),
        "normalise": tuple(NORMALISING_STEPS),
        "rules": tuple(RULES),
        "transform": tuple(REWRITING_STEPS),
        "transformed": tuple(RULES),
        "data": tuple(CORPUS_RULES),
    }


def known_recipes() -> list[str]:
    """Names of the bundled recipes."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def recipe_url(recipe: str) -> str:
    """Path or URL of a recipe, given its name, or that path or URL itself."""
    if recipe.endswith((".yaml", ".yml")):
        return recipe
    if recipe not in known_recipes():
        raise RecipeError(
            f"there is no recipe {recipe!r}{_suggestion(recipe, known_recipes())} "
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
        RecipeError: naming file and line, for syntax, an alias, a doubled key, an unknown step,
            rule or setting, or a value without a source.
    """
    return _load(recipe_url(recipe), read_source(recipe))


def rule_lines(recipe: str) -> dict[str, int]:
    """Line of each name in its recipe file, counted from 1; names are those of overrides."""
    lines = _lines(_compose(recipe_url(recipe), read_source(recipe)))
    return {_name(section, name): line for (section, name), line in lines.items()}


def entry_sources(recipe: str) -> dict[str, str]:
    """Source of each entry of a recipe file, by the same names as `rule_lines`."""
    loaded = load_recipe(recipe)
    return {
        _name(section, name): entry.source
        for section in SECTIONS
        for name, entry in (getattr(loaded, section) or {}).items()
    }


def load_funnel(recipe: str, overrides: Overrides) -> Funnel:
    """What a recipe does, with values replaced, added (last in their section) or removed (null).

    Raises:
        RecipeError: as `load_recipe`; or an override names nothing known, or has a wrong type.
    """
    registered = (*RULES.values(), *CORPUS_RULES.values())
    return _funnel(recipe_url(recipe), read_source(recipe), tuple(overrides.items()), registered)


def recipe_versions(recipe: str, overrides: Overrides) -> dict[str, str]:
    """Name -> version or sha256 of the recipe and of all that it uses.

    Raises:
        RecipeError: as `load_funnel`.
    """
    content = read_source(recipe)
    sections = _sections(recipe_url(recipe), content, overrides.items())
    return {"recipe": sha256(content)} | versions(sections)


@lru_cache(maxsize=16)  # called for every shard; the bytes and the rules are part of the key
def _funnel(
    url: str,
    content: bytes,
    overrides: tuple[tuple[str, Value | None], ...],
    registered: tuple[Rule | CorpusRule, ...],
) -> Funnel:
    return assemble(_sections(url, content, overrides))


def _sections(
    url: str, content: bytes, overrides: Iterable[tuple[str, Value | None]]
) -> dict[str, dict[str, Value]]:
    """The values of a recipe by section and name; paths in it count from its folder."""
    sections = _values(_load(url, content))
    folder, written = posixpath.dirname(url), sections["settings"]
    sections["settings"] = {name: located(name, written[name], folder) for name in written}
    known = known_names()
    entries = {
        _name(section, name): (section, name) for section in known for name in known[section]
    }
    for override, value in overrides:
        if override not in entries:
            raise RecipeError(f"captions.overrides: {_unknown(override, entries)}")
        section, name = entries[override]
        if value is None or (section in STEP_SECTIONS and not value):
            sections[section].pop(name, None)
        else:
            sections[section][name] = value
    return sections


def _load(url: str, content: bytes) -> Recipe:
    node = _compose(url, content)
    lines = _lines(node)
    try:
        loaded = Recipe.model_validate(construct(node))
    except ValidationError as error:
        path = tuple(str(part) for part in error.errors()[0]["loc"])
        message = f"{'.'.join(path)}: {error.errors()[0]['msg']}"
        raise RecipeError(f"{url}:{lines.get(path[:2], 1)}: {message}") from error
    except StrictYamlError as error:
        raise RecipeError(f"{url}: {error}") from error
    known = known_names()
    for section, name in lines:
        if name not in known[section]:
            line = lines[section, name]
            raise RecipeError(f"{url}:{line}: {_unknown(name, known[section])}")
    return loaded


def _values(recipe: Recipe) -> dict[str, dict[str, Value]]:
    values: dict[str, dict[str, Value]] = {"normalise": dict.fromkeys(CLEAN, True)}
    for section in SECTIONS:
        if (entries := getattr(recipe, section)) is not None:
            values[section] = {name: entry.value for name, entry in entries.items()}
    return values


def _compose(url: str, content: bytes) -> Any:
    try:
        return compose(content, "a recipe is a mapping with `about` and `rules`")
    except StrictYamlError as error:
        raise RecipeError(f"{url}: {error}") from error


def _lines(node: Any) -> dict[tuple[str, ...], int]:
    found = key_lines(node)
    return {(section, name): line for section, name, line in found if section in SECTIONS}


def _name(section: str, name: str) -> str:
    """The name by which the config and messages know an entry."""
    return REWRITTEN + name if section == "transformed" else name


def _unknown(name: str, known: Iterable[str]) -> str:
    known = tuple(known)
    return f"there is no {name!r}{_suggestion(name, known)} Known: {', '.join(known)}"


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = did_you_mean(name, known)
    return f"; did you mean {close!r}?" if close else "."

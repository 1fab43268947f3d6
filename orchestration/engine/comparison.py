"""One crawl's captions judged by several recipes, each in a run directory of its own.

<root>/crawl/…                    read once
<root>/recipes/align/…            a run of two stages; `dalle explain --dir` reads it as any other
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from dalle_model import files
from orchestration.cli.progress import Progress
from orchestration.engine.config import ConfigError
from orchestration.engine.manifest import MANIFEST, read_manifest
from orchestration.engine.plan import Run
from orchestration.engine.run import run_stages
from pipelines.captions.config import dependencies

FOLDER = "recipes"
_SOURCE, _JUDGE = "crawl", "captions"


def compare(run: Run, recipes: Sequence[str], progress: Progress) -> list[str]:
    """Bring the crawl up to date, then the captions by each recipe.

    Args:
        run: its config's own recipe is left alone; its overrides hold for all recipes.
        recipes: names, or paths of YAML files.
        progress: told of each stage.

    Returns:
        URL of each recipe's run directory.

    Raises:
        ConfigError: two recipes have one name.
        RecipeError: there is no such recipe, or it is wrong.
        RunError: as `run_stages`.
    """
    roots = _roots(run.root, recipes)
    judgements = [_by(run, *pair) for pair in zip(recipes, roots, strict=True)]
    for judgement in judgements:
        dependencies(judgement.config.captions)  # a missing recipe is told before the first row
    run_stages(run, [_SOURCE], progress)
    for judgement in judgements:
        progress.say(f"recipe     {judgement.config.captions.recipe}")
        _copy_crawl(run.root, judgement.root)
        run_stages(judgement, [_JUDGE], progress)
    return roots


def compared(root: str) -> dict[str, str]:
    """Run directories of the recipes that a run was compared by, by name, sorted."""
    folder = files.join(root, FOLDER)
    found = {name: files.join(folder, name) for name in sorted(files.list_names(folder))}
    return {name: place for name, place in found.items() if read_manifest(place, _JUDGE)}


def _by(run: Run, recipe: str, root: str) -> Run:
    captions = run.config.captions.model_copy(update={"recipe": recipe})
    return replace(run, config=run.config.model_copy(update={_JUDGE: captions}), root=root)


def _roots(root: str, recipes: Sequence[str]) -> list[str]:
    names = [PurePosixPath(recipe).stem for recipe in recipes]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two recipes are called {twice[0]!r}; rename one of the files")
    return [files.join(root, FOLDER, name) for name in names]


def _copy_crawl(source: str, target: str) -> None:
    """The crawl's files, unless they are there; the manifest goes last."""
    manifest, old = read_manifest(source, _SOURCE), read_manifest(target, _SOURCE)
    if manifest is None or (old and old.digest == manifest.digest):
        return
    files.remove(files.join(target, _SOURCE, MANIFEST))
    for entry in (*manifest.files, *manifest.rejected_files, {"name": MANIFEST}):
        content = files.read_bytes(files.join(source, _SOURCE, entry["name"]))
        files.write_bytes(files.join(target, _SOURCE, entry["name"]), content)

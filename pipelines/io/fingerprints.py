"""Names of work: digests of all that decides what a stage makes."""

from collections.abc import Collection, Mapping
from typing import Any

from pipelines.io.manifest_groups import digest_of

SCHEMA_VERSION = 3  # raise it when a stage's output changes for the same settings


def fingerprint(
    stage: str,
    num_shards: int,
    settings: Mapping[str, Any],
    inputs: Mapping[str, str],
    dependencies: Mapping[str, str],
) -> str:
    """SHA-256 that names the work of a stage.

    Args:
        stage: its name.
        num_shards: of the run; 0 for a stage that writes no shards.
        settings: that decide its result.
        inputs: digests of what it reads, by the name of the stage that made it.
        dependencies: versions and digests of what else decides it.
    """
    return digest_of(
        {
            "stage": stage,
            "schema_version": SCHEMA_VERSION,
            "num_shards": num_shards,
            "settings": settings,
            "inputs": inputs,
            "dependencies": dependencies,
        }
    )


def row_work(
    stage: str,
    settings: Mapping[str, Any],
    dependencies: Mapping[str, str],
    follows: Mapping[str, str],
    models: Mapping[str, str],
    beside: Collection[str] = (),
) -> str:
    """SHA-256 that names what a stage does for a row, whatever other rows there are.

    Args:
        stage: its name.
        settings: that decide its result.
        dependencies: as of `fingerprint`.
        follows: the same as this of the stages whose work on the row is part of it, by name.
        models: digests of what it reads whole, by the name of the stage that made it.
        beside: names of settings and dependencies that are no part of it: they decide how what was
            found is written.
    """
    return digest_of(
        {
            "stage": stage,
            "schema_version": SCHEMA_VERSION,
            "settings": _without(settings, beside),
            "dependencies": _without(dependencies, beside),
            "follows": follows,
            "models": models,
        }
    )


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}

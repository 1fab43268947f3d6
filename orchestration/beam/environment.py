"""Where a runner starts the Python of its workers, as Beam reads it from its options."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.beam.options import options_of
from orchestration.beam.runners import (
    DATAFLOW,
    FLINK,
    PRISM,
    SPARK,
    RunnerError,
    chosen_runner,
    is_local,
)
from pipelines.io.suggest import did_you_mean

# What each kind is told by: the key of `--environment_option`, that of JSON in
# `--environment_config`. Source: apache-beam 2.77.0, `transforms/environments.py`, `from_options`.
_TOLD_BY = {
    "DOCKER": ("docker_container_image", ""),
    "PROCESS": ("process_command", "command"),
    "EXTERNAL": ("", "url"),  # 2.77 fails on its key, where there is no config beside it
    "LOOPBACK": ("", ""),
}
# Kinds of tests and of other languages, which Beam also knows.
_OTHERS = ("DEFAULT", "ANYOF")


@dataclass(frozen=True)
class Environment:
    """Where the workers' Python comes from.

    Args:
        kind: `DOCKER`, `PROCESS`, `EXTERNAL` or `LOOPBACK`; or what else Beam may know.
        place: the image, the command, or the address of a pool; empty where none is named.
    """

    kind: str
    place: str = ""


def environment_of(passed_through: Sequence[str]) -> Environment | None:
    """The environment of the workers; None for those that this command starts.

    Raises:
        RunnerError: Beam knows no such environment.
    """
    if is_local(passed_through):
        return None
    options, runner = options_of(passed_through), chosen_runner(passed_through) or ""
    if runner == DATAFLOW:
        return Environment("DOCKER", options["sdk_container_image"] or "")
    kind = options["environment_type"] or _default(runner, options)
    if kind not in _TOLD_BY and kind not in _OTHERS and not kind.startswith("beam:env:"):
        near = did_you_mean(kind.upper(), _TOLD_BY)
        meant = f"did you mean `{near}`?" if near else f"known are {', '.join(_TOLD_BY)}"
        raise RunnerError(f"--environment_type: no such environment: {kind[:80]}; {meant}")
    return Environment(kind, _place(kind, options))


def works_here(passed_through: Sequence[str]) -> bool:
    """Whether the work is done by this process and its children, in this working directory."""
    environment = environment_of(passed_through)
    return environment is None or environment.kind == "LOOPBACK"


def _default(runner: str, options: Mapping[str, Any]) -> str:
    """What each runner takes. Source: `default_environment` below `runners/portability/`."""
    is_embedded = (
        runner == PRISM
        or (runner == FLINK and options["flink_master"] in {"[local]", "[auto]"})
        or (runner == SPARK and options["spark_master_url"].startswith("local"))
    )
    return "LOOPBACK" if is_embedded else "DOCKER"


def _place(kind: str, options: Mapping[str, Any]) -> str:
    key, name = _TOLD_BY.get(kind, ("", ""))
    config = options["environment_config"] or ""
    if config:
        return _of_json(config, name) if config.lstrip().startswith("{") else config
    found = [o for o in options["environment_options"] or [] if key and o.startswith(f"{key}=")]
    return found[0].partition("=")[2] if found else ""


def _of_json(config: str, name: str) -> str:
    try:
        return str(json.loads(config).get(name, ""))
    except ValueError as error:
        raise RunnerError(f"--environment_config: not JSON: {error}") from error

"""Settings that a config leaves open, and that the facts of other stages answer.

The edge of stored images is the codec's, say, unless the config sets it: the one stage has the
setting, another one states the fact. What is answered so is the same work as what is set so.
"""

import dataclasses
from operator import attrgetter
from typing import Any

from pydantic import BaseModel

from dalle_model.errors import DalleError
from orchestration.engine.config import RunConfig
from orchestration.engine.graph import Graph
from pipelines.stage import Stage


def answered(config: RunConfig) -> RunConfig:
    """The same config with each open setting that a fact of its run answers.

    Where a fact cannot be had, such as that of a codec that is not there, the setting stays open:
    `check_answered` says why once a stage with such a setting is to run.

    Raises:
        StageError: as `Graph.of`.
    """
    graph = Graph.of(config)
    waiting = [stage for stage in graph.stages if open_settings(graph, stage)]
    if not waiting:
        return config
    try:
        facts = graph.all_facts()
    except (DalleError, ImportError, OSError):
        return config
    for stage in waiting:
        section = config.section(stage)
        for name in open_settings(graph, stage):
            if (fact := stage.answers[name]) in facts:
                section = _with_setting(section, name, facts[fact])
        config = config.with_section(stage, section)
    return config


def open_settings(graph: Graph, stage: Stage) -> list[str]:
    """The settings of a stage that facts may answer, and that the config leaves open."""
    section = graph.config.section(stage)
    return [name for name in stage.answers if attrgetter(name)(section) is None]


def check_answered(graph: Graph, stage: Stage) -> None:
    """Raise whatever keeps the open settings of a stage from being answered."""
    if open_settings(graph, stage):
        graph.all_facts()


def _with_setting(section: Any, name: str, value: Any) -> Any:
    """A section with another value of a setting, which may be one of a group, as `model.grid`."""
    first, _, rest = name.partition(".")
    new = _with_setting(getattr(section, first), rest, value) if rest else value
    if isinstance(section, BaseModel):
        return section.model_copy(update={first: new})
    return dataclasses.replace(section, **{first: new})

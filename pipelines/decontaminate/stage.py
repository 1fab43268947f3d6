"""The decontaminate stage as a value: a selection without what is in evaluation sets."""

import unicodedata
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa

from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.task import Result, StageTask
from pipelines.records import (
    CONTAMINATION,
    IMAGE_SCHEMA,
    IMAGES,
    REFERENCE_SCORER,
    REFERENCES,
    SELECTION,
    SELECTION_SCHEMA,
)
from pipelines.rejection import Check
from pipelines.stage import Job, Reads, Row, ShardWork, Stage, Writes
from pipelines.views import View

# `pipelines.decontaminate.shard.SCHEMA`, without the work being imported.
_SCHEMA = SELECTION_SCHEMA.append(pa.field(CONTAMINATION, pa.string()))


def _process(job: Job, index: int) -> Result:
    from pipelines.decontaminate.shard import process_shard

    return process_shard(job.task, index, job.config, job.facts.get(REFERENCE_SCORER))


def _dependencies(_config: DecontaminateConfig, _provided: Mapping[str, str]) -> dict[str, str]:
    """What else changes the result: Unicode's case folding, and NumPy."""
    return {"numpy": version("numpy"), "unicode": unicodedata.unidata_version}


def _checks(task: StageTask, row: Row, config: DecontaminateConfig) -> list[Check]:
    from pipelines.decontaminate.shard import row_checks

    return row_checks(task, row, config)


def _views(folder: StageFolder, manifest: Manifest, _config: Any) -> Iterable[View]:
    from pipelines.decontaminate.evidence_view import evidence

    return evidence(folder, manifest)


STAGE = Stage(
    name="decontaminate",
    about="images without those of evaluation sets, nor their captions",
    config=DecontaminateConfig,
    reads={
        IMAGES: Reads(IMAGE_SCHEMA),
        SELECTION: Reads(SELECTION_SCHEMA, "any"),
        REFERENCES: Reads(),
    },
    writes=Writes(SELECTION, _SCHEMA),
    work=ShardWork(_process),
    is_default=False,
    heeds=(REFERENCE_SCORER,),
    dependencies=_dependencies,
    checks=_checks,
    views=_views,
)

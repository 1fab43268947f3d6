from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam.pvalue import PBegin, PCollection

from orchestration.beam.hints import hints
from orchestration.engine.registry import registry
from pipelines.stage import Resources
from pipelines.stage import Stage as StageValue

T4 = "type:nvidia-tesla-t4;count:1;install-nvidia-driver"
ENCODE = registry()["encode"]


def needing(resources: Resources) -> StageValue:
    return replace(ENCODE, resources=resources)


def test_a_stage_that_runs_anywhere_has_no_hint():
    assert hints(needing(Resources()), None, {}) == {}


def test_what_a_stage_needs_is_said_in_beams_words():
    resources = Resources(
        min_ram_bytes=lambda section, facts: 2 ** facts["bits"] if section else 0,
        max_bundles=1,
        accelerator=lambda section: T4 if section else "",
    )
    assert hints(needing(resources), "on a GPU", {"bits": 32}) == {
        "min_ram": "4294967296B",
        "max_active_bundles_per_worker": "1",
        "accelerator": T4,
    }
    assert hints(needing(resources), "", {}) == {"max_active_bundles_per_worker": "1"}


@pytest.mark.parametrize("stage", registry().values(), ids=lambda stage: stage.name)
def test_beam_reads_the_hints_of_every_stage(stage):
    beam.Create([]).with_resource_hints(**hints(stage, stage.config.model_construct(), {}))


class Whole(beam.PTransform[PBegin, PCollection[str]]):
    """All of a stage in one transform, as a job holds it."""

    def expand(self, root):
        return root | "Inner" >> beam.Create([1]) | "More" >> beam.Map(str)


def test_the_graph_carries_them_to_every_transform_within_and_adds_none_up():
    resources = Resources(lambda _: False, lambda *_: 2**32, 1, lambda _: T4)
    pipeline = beam.Pipeline(runner="FnApiRunner")
    pipeline | "Encode" >> Whole().with_resource_hints(**hints(needing(resources), None, {}))
    components = pipeline.to_runner_api().components
    inner = [t for t in components.transforms.values() if t.unique_name.startswith("Encode/More")]
    environments = {t.environment_id for t in inner if t.environment_id}
    (environment,) = (components.environments[name] for name in environments)
    assert dict(environment.resource_hints) == {
        "beam:resources:min_ram_bytes:v1": b"4294967296",
        "beam:resources:max_active_bundles_per_worker:v1": b"1",
        "beam:resources:accelerator:v1": T4.encode(),
    }

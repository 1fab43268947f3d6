"""The graph of a whole job for Dataflow, built offline; collected by `make test-dataflow` alone.

Beam translates it for the service and stops before it would call it: no project, no credentials, no
network. `apache-beam[gcp]` must be installed.
"""

import re
import socket
from functools import partial

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from apache_beam.runners.dataflow.internal import apiclient

from orchestration.beam.execute import Step, add_steps
from orchestration.engine.config_file import load_config
from orchestration.engine.graph import Graph
from pipelines.io.layout import RunFolder
from pipelines.io.task import StageTask
from pipelines.stage import Job, Runtime
from tests.support.documents import ROOT

RUN = "gs://bucket/run"
IMAGE = "europe-docker.pkg.dev/my-project/dalle/worker@sha256:" + "0" * 64
ACCOUNT = "dalle-worker@my-project.iam.gserviceaccount.com"
OPTIONS = (
    "--project=my-project",
    "--region=europe-west1",
    "--job_name=dalle",
    "--staging_location=gs://bucket/staging",
    "--temp_location=gs://bucket/temp",
    "--sdk_location=container",
    f"--sdk_container_image={IMAGE}",
    "--no_use_public_ips",
    f"--service_account_email={ACCOUNT}",
    "--no_auth",
    "--dry_run=True",
)
MAX_GRAPH_BYTES = 10 * 1000**2  # Source: Dataflow, quotas and limits: size of a job's graph
GIB = 1024**3


@pytest.fixture(scope="module")
def stages():
    config = load_config(str(ROOT / "demo" / "config.yaml"))
    graph = Graph.of(config)
    return config, graph, [stage for stage in graph.stages if stage.is_sharded]


@pytest.fixture(scope="module")
def built(stages):
    """The runner after a dry run of all stages that work on shards."""
    config, graph, chosen = stages
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # else credentials are looked for on the network
    monkeypatch.setattr(socket, "getaddrinfo", _no_network)
    options = PipelineOptions(list(OPTIONS))
    options.view_as(SetupOptions).save_main_session = False
    pipeline = beam.Pipeline(DataflowRunner(), options)
    steps = []
    for stage in chosen:
        task = _task(graph, stage, config.num_shards)
        runtime = Runtime(is_remote=True)
        job = Job(task, config.section(stage), runtime, graph.facts(stage))
        steps.append(Step(stage, job, partial(_begin, task), _finish))
    add_steps(pipeline, steps, is_hinted=True)
    result = pipeline.run()
    monkeypatch.undo()
    assert result.state == "DONE"
    return pipeline.runner


def _task(graph, stage, num_shards):
    return StageTask(
        root=RUN,
        stage=stage.name,
        num_shards=num_shards,
        attempt="0" * 64,
        fingerprint="0" * 64,
        pending=tuple(range(num_shards)),
        inputs=graph.input_urls(stage, RunFolder(RUN)),
    )


def _begin(task):
    return task


def _finish(task, reports):
    del task, reports


def _no_network(*arguments, **_):
    raise AssertionError(f"the network was asked for {arguments[0]}")


@pytest.fixture(scope="module")
def proto(built):
    return built.proto_pipeline


def names(proto) -> set[str]:
    return {transform.unique_name for transform in proto.components.transforms.values()}


def test_the_job_holds_every_stage_under_its_own_name(proto, stages):
    (root,) = (proto.components.transforms[name] for name in proto.root_transform_ids)
    tops = {proto.components.transforms[name].unique_name for name in root.subtransforms}
    assert tops == {"Start", *(stage.name.capitalize() for stage in stages[2])}


def test_names_are_stable_and_state_no_place_in_the_source(proto):
    of_beam = re.compile(r"\(<lambda at (core|util)\.py:\d+>\)$")  # within `Create`, `Reshuffle`
    assert not [name for name in names(proto) if ".py:" in name and not of_beam.search(name)]
    assert {
        "Crawl/ExtractCandidates",
        "Captions",
        "Fetch/FetchByHost/Fetch",
        "Images/ImagesShards/Process",
        "Dedupe/FindDuplicates/FindNear/ByGroup",
        "Encode/EncodeShards/Process",
    } <= names(proto)


def of_stage(proto, stage) -> dict[str, bytes]:
    """The hints of all transforms of a stage that run in a worker; they must agree."""
    within = f"{stage.name.capitalize()}/"
    transforms = proto.components.transforms.values()
    used = {t.environment_id for t in transforms if t.unique_name.startswith(within)} - {""}
    found = [dict(proto.components.environments[name].resource_hints) for name in used]
    assert all(hint == found[0] for hint in found)
    return found[0]


def test_each_stage_carries_its_hints_to_every_transform_within(proto, stages):
    config, graph, chosen = stages
    for stage in chosen:
        memory = stage.resources.min_ram_bytes(config.section(stage), graph.facts(stage))
        expected = {"beam:resources:min_ram_bytes:v1": str(memory).encode()} if memory else {}
        assert of_stage(proto, stage) == expected, stage.name


def test_the_stages_that_ask_for_memory_are_these(proto, stages):
    asked = {s.name: of_stage(proto, s).get("beam:resources:min_ram_bytes:v1") for s in stages[2]}
    assert {name: int(size) / GIB for name, size in asked.items() if size} == {
        "crawl": 2,
        "encode": 2,
    }


def test_workers_start_from_the_image(proto):
    payloads = {one.payload for one in proto.components.environments.values() if one.payload}
    assert payloads
    assert all(IMAGE.encode() in payload for payload in payloads)


def test_workers_have_no_public_addresses_and_their_own_account(proto):
    options = PipelineOptions(list(OPTIONS))
    described = apiclient.Environment([], options, "2", f"{RUN}/pipeline.pb", proto).proto
    (pool,) = described.worker_pools
    assert pool.ip_configuration.name == "WORKER_IP_PRIVATE"
    assert described.service_account_email == ACCOUNT


def test_the_graph_is_far_below_what_the_service_takes(proto):
    assert len(proto.SerializeToString()) < MAX_GRAPH_BYTES / 10


def test_a_job_is_asked_with_the_credentials_of_googles_library(monkeypatch):
    from google.auth import credentials

    from orchestration.beam import dataflow_jobs

    asked = []

    def default(scopes):
        asked.extend(scopes)
        return credentials.AnonymousCredentials(), "my-project"

    monkeypatch.setattr("google.auth.default", default)
    session = vars(dataflow_jobs._session())
    assert isinstance(session["credentials"], credentials.AnonymousCredentials)
    assert asked == [dataflow_jobs.SCOPE]

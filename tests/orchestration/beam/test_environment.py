"""Where the Python of the workers comes from, out of each way of saying it."""

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions
from apache_beam.transforms import environments

from orchestration.beam.environment import Environment, environment_of, works_here
from orchestration.beam.runners import RunnerError

FLINK = "--runner=FlinkRunner"


@pytest.mark.parametrize("options", [[], ["--runner=direct"], ["--direct_num_workers=2"]])
def test_the_local_runner_starts_its_own(options):
    assert environment_of(options) is None
    assert works_here(options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([FLINK], Environment("LOOPBACK")),  # an embedded cluster
        ([FLINK, "--flink_master=host:8081"], Environment("DOCKER")),
        (["--runner=PrismRunner"], Environment("LOOPBACK")),
        (["--runner=SparkRunner"], Environment("LOOPBACK")),
        (["--runner=SparkRunner", "--spark_master_url=spark://h:1"], Environment("DOCKER")),
        (["--runner=PortableRunner"], Environment("DOCKER")),
        (["--runner=DataflowRunner"], Environment("DOCKER")),
        (["--runner=DataflowRunner", "--sdk_container_image=i:1"], Environment("DOCKER", "i:1")),
    ],
)
def test_each_runner_has_a_default(options, expected):
    assert environment_of(options) == expected
    assert works_here(options) == (expected.kind == "LOOPBACK")


@pytest.mark.parametrize(
    ("kind", "option", "place"),
    [
        ("PROCESS", "--environment_option=process_command=/boot --x=1", "/boot --x=1"),
        ("PROCESS", '--environment_config={"command": "/boot"}', "/boot"),
        ("EXTERNAL", "--environment_options=external_service_address=h:1", ""),
        ("EXTERNAL", "--environment_config=h:1", "h:1"),
        ("EXTERNAL", '--environment_config={"url": "h:1"}', "h:1"),
        ("DOCKER", "--environment_config=image:1", "image:1"),
        ("DOCKER", "--environment_option=docker_container_image=image:1", "image:1"),
        ("DOCKER", "--environment_option=process_command=/boot", ""),
    ],
)
def test_its_place_is_told_by_an_option_or_a_config(kind, option, place):
    options = [FLINK, f"--environment_type={kind}", option]
    assert environment_of(options) == Environment(kind, place)


def test_what_beam_does_not_know_is_refused():
    with pytest.raises(RunnerError, match="no such environment: process; did you mean `PROCESS`"):
        environment_of([FLINK, "--environment_type=process"])
    with pytest.raises(RunnerError, match="--environment_config: not JSON"):
        environment_of([FLINK, "--environment_type=PROCESS", "--environment_config={command}"])


@pytest.mark.parametrize(
    "options",
    [
        ["--environment_type=EXTERNAL", "--environment_config=h:1"],
        ["--environment_type=PROCESS", "--environment_option=process_command=/boot"],
        ["--environment_type=DOCKER", "--environment_option=docker_container_image=image:1"],
        ["--environment_type=LOOPBACK"],
    ],
)
def test_beam_makes_the_environment_that_is_read(options):
    """It fails on the key of a pool's address where no config stands beside it."""
    made = environments.Environment.from_options(PipelineOptions(options).view_as(PortableOptions))
    found = environment_of([FLINK, *options])
    assert found is not None
    assert found.place in str(made.to_runner_api(None))  # type: ignore[arg-type]
    broken = ["--environment_type=EXTERNAL", "--environment_option=external_service_address=h:1"]
    with pytest.raises(TypeError):
        environments.Environment.from_options(PipelineOptions(broken).view_as(PortableOptions))

"""Profiles are options of Beam, which read them back; what stands beside a profile replaces it."""

import pytest

from orchestration.beam.environment import Environment, environment_of
from orchestration.beam.options import check_options, options_of
from orchestration.beam.parallelism import workers_of
from orchestration.beam.profile import EnvironmentSettings, Profile, known_profiles, load_profile
from orchestration.beam.profile_arguments import RUNNERS, arguments_of, merged, with_profile
from orchestration.beam.runners import chosen_runner

POOL = EnvironmentSettings(type="EXTERNAL", address="localhost:50000")


@pytest.mark.parametrize("name", known_profiles())
def test_beam_reads_every_bundled_profile(name):
    profile = load_profile(name)
    arguments = arguments_of(profile)
    check_options(arguments)
    assert chosen_runner(arguments) == RUNNERS[name]
    options = options_of(arguments)
    for setting in ("job_endpoint", "artifact_endpoint", "machine_type", "max_num_workers"):
        assert options[setting] == (getattr(profile, setting) or None)
    assert workers_of(arguments, profile.workers) == {
        "local": 2, "prism": 1, "portable": 1, "flink": 2, "dataflow": 32,
    }[name]  # fmt: skip


def test_each_setting_is_an_option():
    profile = Profile(
        runner="flink",
        flink_master="host:8081",
        flink_version="1.19",
        environment=POOL,
        parallelism=8,
        workers_per_machine=2,
        options={"object_reuse": True, "experiments": ("a", "b"), "max_bundle_size": 10},
    )
    assert arguments_of(profile) == [
        "--runner=FlinkRunner",
        "--parallelism=8",
        "--flink_master=host:8081",
        "--flink_version=1.19",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--sdk_worker_parallelism=2",
        "--object_reuse",
        "--experiments=a",
        "--experiments=b",
        "--max_bundle_size=10",
    ]


@pytest.mark.parametrize(
    ("environment", "image", "expected"),
    [
        (EnvironmentSettings(type="LOOPBACK"), "", Environment("LOOPBACK")),
        (POOL, "", Environment("EXTERNAL", "localhost:50000")),
        (EnvironmentSettings(type="PROCESS", command="/b"), "", Environment("PROCESS", "/b")),
        (EnvironmentSettings(type="DOCKER"), "i:1", Environment("DOCKER", "i:1")),
    ],
)
def test_each_environment_is_read_back(environment, image, expected):
    profile = Profile(runner="portable", environment=environment, image=image)
    assert environment_of(arguments_of(profile)) == expected


def test_a_cloud_has_its_image_one_process_and_accelerators():
    accelerator = "type:nvidia-tesla-t4;count:1;install-nvidia-driver"
    arguments = arguments_of(
        Profile(runner="dataflow", image="i:1", workers_per_machine=1, accelerator=accelerator)
    )
    options = options_of(arguments)
    assert (options["sdk_container_image"], options["sdk_location"]) == ("i:1", "container")
    assert options["experiments"] == ["no_use_multiple_sdk_containers"]
    assert options["dataflow_service_options"] == [f"worker_accelerator={accelerator}"]


def test_what_is_given_beside_a_profile_replaces_it():
    arguments, workers = with_profile("flink", ["--parallelism", "4", "--job_endpoint=h:1"])
    assert workers is None
    options = options_of(arguments)
    assert (options["parallelism"], options["job_endpoint"]) == (4, "h:1")
    assert options["artifact_endpoint"] == "localhost:8098"
    assert merged(["--experiments=a", "--b=1"], ["--experiment=c"]) == ["--b=1", "--experiment=c"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["--environment_type=LOOPBACK"], Environment("LOOPBACK")),
        (["--environment_config=h:1"], Environment("EXTERNAL", "h:1")),
        (
            ["--environment_type=PROCESS", "--environment_options=process_command=/boot"],
            Environment("PROCESS", "/boot"),
        ),
    ],
)
def test_another_environment_leaves_nothing_of_the_profiles(given, expected):
    arguments, _ = with_profile("flink", given)
    assert environment_of(arguments) == expected
    assert "localhost:50000" not in str(arguments)


def test_workers_that_are_asked_for_go_before_those_of_the_profile():
    assert with_profile("local", []) == (["--runner=FnApiRunner"], 2)
    assert with_profile("local", [], 3) == (["--runner=FnApiRunner"], 3)
    assert with_profile("", ["--a=b"], 1) == (["--a=b"], 1)

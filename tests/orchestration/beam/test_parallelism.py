"""How many processes each runner has, as far as its options say it."""

import pytest

from orchestration.beam.parallelism import vcpus_of, workers_of

FLINK = "--runner=FlinkRunner --flink_master=host:8081"
PORTABLE = "--runner=PortableRunner --job_endpoint=host:8099"
DATAFLOW = "--runner=DataflowRunner"


@pytest.mark.parametrize(
    ("options", "workers", "expected"),
    [
        ("", None, 1),
        ("", 3, 3),
        ("--direct_num_workers=4", None, 1),  # threads of none: the mode has no processes
        ("--direct_running_mode=multi_processing --direct_num_workers=4", None, 4),
        (f"{FLINK} --parallelism=8 --sdk_worker_parallelism=2", None, 16),
        (f"{FLINK} --parallelism=8", None, 8),
        (f"{FLINK} --parallelism=8", 2, 8),  # what the options say holds
        (FLINK, None, None),
        (FLINK, 50, 50),
        (f"{FLINK} --parallelism=8 --sdk_worker_parallelism=0", None, None),
        (f"{FLINK} --parallelism=8 --environment_type=LOOPBACK", None, 1),
        (f"{PORTABLE} --parallelism=3", None, 3),
        (PORTABLE, None, None),
        ("--runner=PrismRunner --parallelism=3 --environment_type=PROCESS", None, 1),
        (DATAFLOW, None, None),
        (f"{DATAFLOW} --max_num_workers=8", None, None),
        (f"{DATAFLOW} --max_num_workers=8 --machine_type=n2-standard-4", None, 32),
        (f"{DATAFLOW} --max_num_workers=8 --experiments=no_use_multiple_sdk_containers", None, 8),
        (f"{DATAFLOW} --num_workers=8 --machine_type=n2-standard-4", None, None),
        (
            f"{DATAFLOW} --num_workers=8 --machine_type=n1-highmem-2 --autoscaling_algorithm=NONE",
            None,
            16,
        ),
        ("--runner=mine.Runner", None, None),
    ],
)
def test_the_number_is_the_most_that_there_can_be(options, workers, expected):
    assert workers_of(options.split(), workers) == expected


@pytest.mark.parametrize(
    ("machine_type", "expected"),
    [
        ("n2-standard-4", 4),
        ("c3d-highcpu-16", 16),
        ("n1-custom-8-16384", 8),
        ("custom-2-4096", 2),
        ("e2-medium", None),
        ("a2-highgpu-1g", None),
        ("", None),
    ],
)
def test_a_machine_type_says_its_vcpus_or_not(machine_type, expected):
    assert vcpus_of(machine_type) == expected

"""What a remote runner would fail of, or do in another place, is refused with the option to set."""

import pytest

from orchestration.beam import needs
from orchestration.beam.needs import check_needs, check_shared
from orchestration.beam.runners import NotReadyError, RunnerError

FLINK = ["--runner=FlinkRunner", "--flink_master=host:8081", "--environment_type=EXTERNAL"]
POOL = "--environment_config=localhost:50000"
CLOUD = ["--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t"]


@pytest.fixture(autouse=True)
def has_gcp(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: object())


def test_what_has_all_passes():
    check_needs([], "runs/relative")
    check_needs(["--direct_num_workers=2"], "runs/relative")
    for root in ("/shared/run", "file:///shared/run", "s3://bucket/run"):
        check_needs([*FLINK, POOL], root)
    check_needs([*CLOUD, "--sdk_container_image=i:1"], "gs://bucket/run")


@pytest.mark.parametrize("root", ["runs/my-run", "./run", "file://run"])
def test_a_relative_directory_is_another_one_for_each_worker(root):
    with pytest.raises(RunnerError) as caught:
        check_shared([*FLINK, POOL], root)
    assert str(caught.value).startswith(f"{root}: each worker of FlinkRunner would write below a ")
    assert "--dir /SHARED/RUN" in str(caught.value)


@pytest.mark.parametrize("options", [["--runner=PrismRunner"], ["--runner=FlinkRunner"]])
def test_workers_of_this_process_have_its_working_directory(options):
    check_shared(options, "runs/my-run")


def test_dataflow_shares_no_disk_but_a_dry_run_needs_none():
    with pytest.raises(RunnerError, match="/shared/run: the machines of Dataflow share no disk"):
        check_shared(CLOUD, "/shared/run")
    check_shared([*CLOUD, "--dry_run=True"], "/shared/run")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--runner=PortableRunner"], "name it with `job_endpoint` in the profile, or --job_end"),
        (FLINK, r"the worker pool is not named: set `environment\.address`"),
        ([*FLINK, "--environment_type=PROCESS"], "process_command=/path/on/the/workers"),
        ([*FLINK, "--environment_type=DOCKER"], "Beam's own has no `dalle`: set `image`"),
        (CLOUD[:1], "needs --project, --region, --temp_location: set them in a profile"),
        ([*CLOUD[:2], *CLOUD[3:]], "needs --region: "),
        (CLOUD, "the image of the workers is not named.*--sdk_container_image"),
    ],
)
def test_what_is_missing_is_named_with_where_to_set_it(options, message):
    with pytest.raises(RunnerError, match=message):
        check_needs(options, "gs://bucket/run")


def test_a_missing_library_of_dataflow_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    with pytest.raises(NotReadyError, match=r"run `pip install 'dalle\[gcp\]'"):
        check_needs([*CLOUD, "--sdk_container_image=i:1"], "gs://bucket/run")

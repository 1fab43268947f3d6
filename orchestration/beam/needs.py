"""What a runner needs before anything starts, as far as it is seen without asking the network."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import PurePosixPath
from typing import Any

from dalle_model import files
from orchestration.beam.environment import environment_of, works_here
from orchestration.beam.options import options_of
from orchestration.beam.runners import (
    DATAFLOW,
    PORTABLE,
    NotReadyError,
    RunnerError,
    chosen_runner,
    is_local,
)

# Without these Beam fails late, or asks the machine for defaults that differ from one to the next.
ON_DATAFLOW = ("project", "region", "temp_location")
# What brings the packages of this project to a machine of Dataflow.
_BRINGS_CODE = ("sdk_container_image", "extra_packages", "setup_file", "requirements_file")
_GCP = "pip install 'dalle[gcp]' && pip install --no-deps 'pillow>=13'"
_MISSING = {
    "DOCKER": (
        "the image of the workers is not named, and Beam's own has no `dalle`: set `image` in the "
        "profile, or --environment_type and --environment_option"
    ),
    "PROCESS": (
        "the command that starts a worker is not named: set `environment.command` in the profile, "
        "or --environment_option=process_command=/path/on/the/workers"
    ),
    "EXTERNAL": (
        "the address of the worker pool is not named: set `environment.address` in the profile, "
        "or --environment_config=HOST:PORT"
    ),
}


def check_needs(passed_through: Sequence[str], root: str) -> None:
    """Refuse a run that a remote runner would fail, or do in another place.

    Args:
        passed_through: Beam options.
        root: the run directory.

    Raises:
        RunnerError: what is missing, and where to set it.
        NotReadyError: a library is.
    """
    if is_local(passed_through):
        return
    options, runner = options_of(passed_through), chosen_runner(passed_through) or ""
    if runner == PORTABLE and not options["job_endpoint"]:
        raise RunnerError(
            "PortableRunner hands the job to a job server: name it with `job_endpoint` in the "
            "profile, or --job_endpoint=HOST:PORT"
        )
    if runner == DATAFLOW:
        _check_dataflow(options)
    else:
        _check_environment(passed_through, runner)
    check_shared(passed_through, root)


def check_shared(passed_through: Sequence[str], root: str) -> None:
    """Refuse a run directory that the workers would not find, or find elsewhere.

    Raises:
        RunnerError: the path is relative, or on this machine's disk where no worker runs.
    """
    if works_here(passed_through) or not files.is_local(root):
        return
    runner = chosen_runner(passed_through)
    if runner == DATAFLOW and options_of(passed_through)["dry_run"]:
        return  # a graph can be looked at anywhere
    if runner == DATAFLOW:
        raise RunnerError(
            f"{root}: the machines of Dataflow share no disk with this one; name a folder in a "
            "bucket with --dir gs://BUCKET/RUN"
        )
    if not PurePosixPath(root.removeprefix("file://")).is_absolute():
        raise RunnerError(
            f"{root}: each worker of {runner} would write below a working directory of its own; "
            "name an absolute path on a disk that all machines share with --dir /SHARED/RUN, or a "
            "store with --dir s3://BUCKET/RUN"
        )


def _check_environment(passed_through: Sequence[str], runner: str) -> None:
    environment = environment_of(passed_through)
    if environment is not None and not environment.place and environment.kind in _MISSING:
        raise RunnerError(f"{runner}: {_MISSING[environment.kind]}")


def _check_dataflow(options: Mapping[str, Any]) -> None:
    if find_spec("apitools") is None:  # of all that `gcp` brings, what Beam itself looks for
        raise NotReadyError(f"DataflowRunner needs the extra `gcp`: run `{_GCP}`")
    missing = [f"--{name}" for name in ON_DATAFLOW if not options[name]]
    if missing:
        raise RunnerError(
            f"DataflowRunner needs {', '.join(missing)}: set them in a profile, or on the command "
            "line"
        )
    if not any(options[name] for name in _BRINGS_CODE):
        raise RunnerError(
            "DataflowRunner: the image of the workers is not named, and Beam's own has no `dalle`: "
            "set `image` in the profile, or --sdk_container_image"
        )

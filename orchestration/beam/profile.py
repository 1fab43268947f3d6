"""Profiles: where a run is done, as one YAML file in place of many options of Beam.

A profile holds addresses, sizes and names, and never a secret: keys belong to the environment of
the command and of its workers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.io.settings_file import SettingsFileError, explain, read_settings
from pipelines.io.suggest import did_you_mean
from pipelines.paths import counted_from

FOLDER = Path(__file__).parent / "profiles"
_ON_ENGINE = ("job_endpoint", "artifact_endpoint", "environment", "image", "parallelism")
_OF_FLINK = ("flink_master", "flink_version", "flink_job_server_jar")
_OF_CLOUD = ("project", "region", "temp_location", "staging_location", "template_location")
_OF_MACHINES = ("service_account_email", "machine_type", "max_num_workers")
# Settings that are called as Beam's options are.
AS_BEAM = (
    *("prism_location", "job_endpoint", "artifact_endpoint", "parallelism"),
    *(*_OF_FLINK, *_OF_CLOUD, *_OF_MACHINES),
)
_TAKES = {
    "local": ("workers",),
    "prism": ("prism_location",),
    "portable": (*_ON_ENGINE, "workers_per_machine"),
    "flink": (*_ON_ENGINE, *_OF_FLINK, "workers_per_machine"),
    "dataflow": (*_OF_CLOUD, *_OF_MACHINES, "workers_per_machine", "image", "accelerator"),
}
_SECRETS = ("secret", "password", "token", "access_key", "connection_string")

Count = Annotated[int, Field(ge=1, strict=True)]


class ProfileError(UsageError):
    """A profile cannot be read, or says what does not fit its runner."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EnvironmentSettings(_Settings):
    """Where the Python of the workers comes from.

    Args:
        type: `PROCESS`, which a worker starts by a command; `EXTERNAL`, a pool that waits at an
            address; `DOCKER`, the image of the profile; `LOOPBACK`, this very process.
        command: of PROCESS: an absolute path on the machines of the workers.
        address: of EXTERNAL: `host:port` as a worker sees it.
    """

    type: Literal["PROCESS", "EXTERNAL", "DOCKER", "LOOPBACK"]
    command: str = ""
    address: str = ""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for kind, name in (("PROCESS", "command"), ("EXTERNAL", "address")):
            if bool(getattr(self, name)) != (self.type == kind):
                raise ValueError(f"`{name}` goes with {kind}, and {kind} needs it")
        if self.command and not self.command.startswith("/"):
            raise ValueError("`command` must be an absolute path: workers are in folders of theirs")
        return self


class Profile(_Settings):
    """Where a run is done. Only `runner` is required; each runner takes settings of its own.

    Args:
        runner: `local`, `prism`, `portable`, `flink` or `dataflow`.
        workers: of `local`: processes on this machine.
        prism_location: of `prism`: path or URL of its program.
        job_endpoint: of `portable` and `flink`: `host:port` of the job server.
        artifact_endpoint: of the same: `host:port`; by default as the job server says.
        flink_master: of `flink`: `host:port` of the cluster, where Beam starts the job server.
        flink_version: of the same, such as `1.19`.
        flink_job_server_jar: of the same: path or URL; relative paths count from the profile.
        environment: of `portable` and `flink`.
        parallelism: of the same: slots that work at once.
        workers_per_machine: processes of Python on each: of a TaskManager, 1 by default; of a
            machine of Dataflow one a vCPU by default, or 1.
        image: of the workers: of the environment DOCKER, and of `dataflow`.
        project: of `dataflow`, as all that follow but `options`.
        region: such as `europe-west4`.
        temp_location: a folder in a bucket.
        staging_location: a folder in a bucket; `temp_location` by default.
        template_location: the job is written there, and not run.
        service_account_email: that the workers act as.
        machine_type: such as `n2-standard-4`.
        max_num_workers: machines at the most.
        accelerator: such as `type:nvidia-tesla-t4;count:1;install-nvidia-driver`.
        options: any other options of Beam or the job server, by name: a value, a list for an option
            that may be given again, `true` for one without a value.
    """

    runner: Literal["local", "prism", "portable", "flink", "dataflow"]
    workers: Count | None = None
    prism_location: str = ""
    job_endpoint: str = ""
    artifact_endpoint: str = ""
    flink_master: str = ""
    flink_version: str = ""
    flink_job_server_jar: str = ""
    environment: EnvironmentSettings | None = None
    parallelism: Count | None = None
    workers_per_machine: Count | None = None
    image: str = ""
    project: str = ""
    region: str = ""
    temp_location: str = ""
    staging_location: str = ""
    template_location: str = ""
    service_account_email: str = ""
    machine_type: str = ""
    max_num_workers: Count | None = None
    accelerator: str = ""
    options: dict[str, str | int | float | Literal[True] | tuple[str, ...]] = Field(
        default_factory=dict
    )

    @field_validator("options", mode="before")
    @classmethod
    def _flags_are_true(cls, options: object) -> object:
        named = options.items() if isinstance(options, dict) else ()
        for name, value in named:
            if value is False or value is None:
                raise ValueError(f"`{name}`: an option without a value is `true`, or left out")
        return options

    @field_validator("options")
    @classmethod
    def _holds_no_secret(cls, options: dict[str, object]) -> dict[str, object]:
        for name in options:
            if any(word in name for word in _SECRETS):
                raise ValueError(
                    f"`{name}` is a secret, and a profile is none: set it in the environment of "
                    "the command and of the workers"
                )
        return options

    @model_validator(mode="after")
    def _fits(self) -> Self:
        takes = (*_TAKES[self.runner], "runner", "options")
        for name in sorted(self.model_fields_set):
            if name not in takes:
                raise ValueError(f"`{name}` is not of {self.runner}, which takes {_listed(takes)}")
        is_docker = self.environment is not None and self.environment.type == "DOCKER"
        if self.runner != "dataflow" and is_docker != bool(self.image):
            raise ValueError("`image` goes with the environment DOCKER, which needs it")
        if self.runner == "dataflow" and self.workers_per_machine not in {None, 1}:
            raise ValueError("`workers_per_machine` of dataflow is 1, or left out: one a vCPU")
        return self


def known_profiles() -> list[str]:
    """Names of the bundled profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_profile(profile: str) -> Profile:
    """Read and check a profile.

    Args:
        profile: the name of a bundled one, or the path or URL of a YAML file.

    Raises:
        ProfileError: no such profile, or a wrong setting; names file and line.
    """
    try:
        file = read_settings(_url(profile), "profile", "--profile", "a profile names a `runner`")
    except SettingsFileError as error:
        raise ProfileError(str(error)) from error
    try:
        found = Profile.model_validate(file.values)
    except ValidationError as error:
        raise ProfileError(explain(error, Profile, file.where)) from error
    jar = found.flink_job_server_jar
    if not jar:
        return found
    return found.model_copy(update={"flink_job_server_jar": counted_from(file.folder, jar)})


def _url(profile: str) -> str:
    if profile in known_profiles():
        return str(FOLDER / f"{profile}.yaml")
    if files.is_url(profile) or "/" in profile or profile.endswith((".yaml", ".yml")):
        return profile
    near = did_you_mean(profile, known_profiles())
    meant = f"did you mean `{near}`?" if near else f"known are {', '.join(known_profiles())},"
    raise ProfileError(f"no profile {profile[:80]!r}; {meant} or give the path of a .yaml file")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(sorted(names))

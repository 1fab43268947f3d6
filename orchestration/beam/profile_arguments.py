"""A profile as Beam's command line, which the options beside it go before."""

from collections.abc import Iterator, Sequence

from orchestration.beam.parallelism import ONE_PROCESS
from orchestration.beam.profile import AS_BEAM, EnvironmentSettings, Profile, load_profile
from orchestration.beam.runners import DATAFLOW, FLINK, LOCAL_RUNNER, PORTABLE, PRISM

RUNNERS = {
    "local": LOCAL_RUNNER,
    "prism": PRISM,
    "portable": PORTABLE,
    "flink": FLINK,
    "dataflow": DATAFLOW,
}
_ENVIRONMENT = ("environment_config", "environment_option")  # what a type is told by


def arguments_of(profile: Profile) -> list[str]:
    """Beam's command line for a profile, one argument an option; `workers` is no option of Beam."""
    return [f"--runner={RUNNERS[profile.runner]}", *_arguments(profile), *_more(profile)]


def with_profile(
    profile: str, given: Sequence[str], workers: int | None = None
) -> tuple[list[str], int | None]:
    """Beam's command line for a profile and the options beside it, which replace those of it.

    Args:
        profile: as in `load_profile`; empty for none.
        given: Beam options, as the user wrote them.
        workers: as the user asks for; by default as the profile does.

    Returns:
        The arguments, and the number of workers where it is said.

    Raises:
        ProfileError: as `load_profile`.
    """
    if not profile:
        return list(given), workers
    found = load_profile(profile)
    return merged(arguments_of(found), given), workers or found.workers


def merged(of_profile: Sequence[str], given: Sequence[str]) -> list[str]:
    """A profile's arguments without the options that are given, then those that are.

    Of another environment than its own, what the profile says of an environment is wrong.
    """
    names = {_name(argument) for argument in given if argument.startswith("-")}
    if not names.isdisjoint(("environment_type", *_ENVIRONMENT)):
        names.update(_ENVIRONMENT)
    return [*(argument for argument in of_profile if _name(argument) not in names), *given]


def _arguments(profile: Profile) -> Iterator[str]:
    for name in AS_BEAM:
        if value := getattr(profile, name):
            yield f"--{name}={value}"
    if profile.environment:
        yield from _environment(profile.environment, profile.image)
    elif profile.image:
        yield from (f"--sdk_container_image={profile.image}", "--sdk_location=container")
    if profile.workers_per_machine and profile.runner == "dataflow":
        yield f"--experiments={ONE_PROCESS}"
    elif profile.workers_per_machine:
        yield f"--sdk_worker_parallelism={profile.workers_per_machine}"
    if profile.accelerator:
        yield f"--dataflow_service_options=worker_accelerator={profile.accelerator}"


def _environment(environment: EnvironmentSettings, image: str) -> Iterator[str]:
    yield f"--environment_type={environment.type}"
    if environment.command:
        yield f"--environment_option=process_command={environment.command}"
    if environment.address:
        yield f"--environment_config={environment.address}"
    if image:
        yield f"--environment_option=docker_container_image={image}"


def _more(profile: Profile) -> Iterator[str]:
    for name, value in profile.options.items():
        values = value if isinstance(value, tuple) else (value,)
        yield from (f"--{name}" if one is True else f"--{name}={one}" for one in values)


def _name(argument: str) -> str:
    """Of the option; Beam spells those that may be given again with an `s` as well."""
    return argument.partition("=")[0].lstrip("-").rstrip("s")

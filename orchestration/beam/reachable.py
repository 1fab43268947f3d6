"""Asks the services that a runner needs whether they are there, before anything starts.

Beam itself waits for a job service that is away without a word, and for minutes.
"""

import ipaddress
import shutil
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.beam.environment import environment_of
from orchestration.beam.options import check_known, leaves_no_job, options_of
from orchestration.beam.private import READ_IN, job_service_options
from orchestration.beam.runners import FLINK, NotReadyError, RunnerError, chosen_runner, is_local

TIMEOUT_S = 5.0  # chosen: a service within reach answers in a hundredth of it, also far away
EMBEDDED = "embed"  # an endpoint: Beam starts the job service in this process
_START = {
    FLINK: (
        "start Beam's job server for the cluster: `java -jar beam-runners-flink-VERSION-job-server-"
        f"{READ_IN}.jar --flink-master=HOST:8081 --job-port=8099`"
    )
}
_START_PORTABLE = (
    "start the job server of the engine, or one to try things out: "
    "`python -m apache_beam.runners.portability.local_job_service_main --port 8099`"
)


def check_reachable(passed_through: Sequence[str], timeout_s: float = TIMEOUT_S) -> None:
    """Refuse a run whose job service, cluster or worker pool does not answer.

    A job service is asked which options it knows, so that one that nobody knows is refused too.

    Args:
        passed_through: Beam options.
        timeout_s: for each of the services.

    Raises:
        NotReadyError: names the address, why it does not answer, and what to start.
        RunnerError: an address is none, or the job service does not know an option.
    """
    if is_local(passed_through) or leaves_no_job(passed_through):
        return
    options, runner = options_of(passed_through), chosen_runner(passed_through) or ""
    endpoint = options["job_endpoint"] or ""
    if endpoint and endpoint != EMBEDDED:
        _check_job_service(passed_through, endpoint, runner, timeout_s)
        _check_address(options["artifact_endpoint"], "--artifact_endpoint", timeout_s)
    elif runner == FLINK:
        _check_cluster(options, timeout_s)
    _check_pool(passed_through, endpoint, timeout_s)


def host_and_port(address: str) -> tuple[str, int] | None:
    """The parts of `host:port`, of a URL as well; None where it is something else."""
    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    return (
        (host.strip("[]"), int(port)) if host and port.isdigit() and int(port) < 1 << 16 else None
    )


def _check_job_service(
    passed_through: Sequence[str], endpoint: str, runner: str, timeout_s: float
) -> None:
    if host_and_port(endpoint) is None or endpoint.startswith(("http://", "https://")):
        raise RunnerError(f"--job_endpoint: {endpoint[:80]}: not HOST:PORT, as localhost:8099 is")
    try:
        known = job_service_options(endpoint, timeout_s)
    except ConnectionError as error:
        start = _START.get(runner, _START_PORTABLE)
        raise NotReadyError(
            f"no job service at {endpoint}: {error}; {start}, or correct `job_endpoint`"
        ) from error
    check_known(passed_through, known)


def _check_cluster(options: Mapping[str, Any], timeout_s: float) -> None:
    """Of a Flink whose job server is started by Beam, with Java."""
    java = options["job_server_java_launcher"]
    if not options["flink_submit_uber_jar"] and shutil.which(java) is None:
        raise NotReadyError(
            f"{FLINK} starts Beam's job server with `{java}`, which is not on the PATH: install "
            "Java, or name a running job server with --job_endpoint"
        )
    master = options["flink_master"]
    if not master.startswith("["):  # as [local] does, which is started too
        _check_address(master, "--flink_master", timeout_s)


def _check_pool(passed_through: Sequence[str], endpoint: str, timeout_s: float) -> None:
    """It is told as a worker sees it, so it is asked only where the engine is on this machine."""
    environment = environment_of(passed_through)
    if environment is None or environment.kind != "EXTERNAL":
        return
    places = [host_and_port(address) for address in (environment.place, endpoint)]
    if all(place is not None and _is_loopback(place[0]) for place in places):
        what = "the worker pool of the environment EXTERNAL"
        _check_address(environment.place, what, timeout_s)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def _check_address(address: str | None, what: str, timeout_s: float) -> None:
    if not address:
        return
    place = host_and_port(address)
    if place is None:
        raise RunnerError(f"{what}: {address[:80]}: not HOST:PORT")
    try:
        socket.create_connection(place, timeout_s).close()
    except OSError as error:
        reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or error
        raise NotReadyError(
            f"{what}: nothing listens at {address[:80]}: {reason}; start it, or correct the address"
        ) from error

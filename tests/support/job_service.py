"""What listens on loopback in a test: a job service that says its options, or what is none."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc  # type: ignore[import-untyped]
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc


class _Service(beam_job_api_pb2_grpc.JobServiceServicer):
    def __init__(self, options: tuple[str, ...]) -> None:
        self._options = options

    def DescribePipelineOptions(self, request: object, context: object) -> object:  # noqa: N802
        kind = beam_job_api_pb2.PipelineOptionDescriptor
        known = [kind(name=name) for name in self._options]
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=known)


@contextmanager
def job_service(*options: str) -> Iterator[str]:
    """Yields the address of a job service that knows these options and runs nothing."""
    with _serving() as (server, endpoint):
        beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(_Service(options), server)
        server.start()
        yield endpoint


@contextmanager
def other_service() -> Iterator[str]:
    """Yields the address of a server of the same protocol that is no job service."""
    with _serving() as (server, endpoint):
        server.start()
        yield endpoint


@contextmanager
def silence() -> Iterator[str]:
    """Yields the address of what listens, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def nobody() -> str:
    """An address of this machine at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def _serving() -> Iterator[tuple[grpc.Server, str]]:
    with ThreadPoolExecutor(2) as threads:
        server = grpc.server(threads)
        endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        try:
            yield server, endpoint
        finally:
            server.stop(None).wait()

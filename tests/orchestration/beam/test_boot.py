"""The program that an engine starts for a harness: what it asks for, and what it becomes."""

import os
from concurrent.futures import ThreadPoolExecutor

import grpc  # type: ignore[import-untyped]
import pytest
from apache_beam.portability.api import (
    beam_provision_api_pb2,
    beam_provision_api_pb2_grpc,
    endpoints_pb2,
)
from apache_beam.runners.worker import sdk_worker_main

from orchestration.beam import boot
from orchestration.beam.private import harness_variables


class Provisioning(beam_provision_api_pb2_grpc.ProvisionServiceServicer):
    """An engine's answer, which names its own ports; it keeps who asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def GetProvisionInfo(self, request, context):  # noqa: N802
        self.asked += [v for k, v in context.invocation_metadata() if k == "worker_id"]
        info = beam_provision_api_pb2.ProvisionInfo(
            logging_endpoint=endpoints_pb2.ApiServiceDescriptor(url="localhost:1"),
            control_endpoint=endpoints_pb2.ApiServiceDescriptor(url="localhost:2"),
            runner_capabilities=["beam:protocol:control_response_elements_embedding:v1"],
        )
        info.pipeline_options["beam:option:parallelism:v1"] = 2
        return beam_provision_api_pb2.GetProvisionInfoResponse(info=info)


@pytest.fixture
def engine():
    server, service = grpc.server(ThreadPoolExecutor(1)), Provisioning()
    beam_provision_api_pb2_grpc.add_ProvisionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield service, f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_the_answer_names_what_the_flags_leave_out(engine):
    service, address = engine
    found = harness_variables("1-1", address, logging="", control="localhost:3")
    assert service.asked == ["1-1"]
    assert found["WORKER_ID"] == "1-1"
    assert found["LOGGING_API_SERVICE_DESCRIPTOR"].strip() == 'url: "localhost:1"'
    assert found["CONTROL_API_SERVICE_DESCRIPTOR"].strip() == 'url: "localhost:3"'
    assert "control_response_elements_embedding" in found["RUNNER_CAPABILITIES"]


def test_beams_harness_reads_the_options_back(engine):
    found = harness_variables("1-1", engine[1], "", "")
    assert sdk_worker_main._load_pipeline_options(found["PIPELINE_OPTIONS"]) == {"parallelism": 2.0}


def test_an_engine_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr("orchestration.beam.private.PROVISION_S", 0.2)
    with pytest.raises(grpc.RpcError):
        harness_variables("1-1", "127.0.0.1:9", "", "")


def test_the_program_becomes_the_harness_that_it_was_told_to_be(engine, monkeypatch, tmp_path):
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(os, "environ", os.environ.copy())
    monkeypatch.setattr(boot, "run_harness", lambda: seen.append(dict(os.environ)))
    flags = [f"--provision_endpoint={engine[1]}", "--artifact_endpoint=localhost:4"]
    boot.main(["--id=2-1", *flags, f"--semi_persist_dir={tmp_path}", "--flag_of_a_newer_engine=x"])
    assert [one["WORKER_ID"] for one in seen] == ["2-1"]
    assert seen[0]["SEMI_PERSISTENT_DIRECTORY"] == str(tmp_path)


@pytest.mark.parametrize("missing", ["--id", "--provision_endpoint"])
def test_what_it_cannot_do_without_is_named(missing, capsys):
    given = [f"{flag}=x" for flag in ("--id", "--provision_endpoint") if flag != missing]
    with pytest.raises(SystemExit):
        boot.parsed(given)
    assert missing in capsys.readouterr().err

"""The network of the cluster: a server on all interfaces there is reached from inside alone."""

import socket
import subprocess
import sys

import pytest

from tools.flink import loopback
from tools.flink.processes import Processes

SERVE = """
import socket
with socket.create_server(("0.0.0.0", 0)) as server:
    print("port", server.getsockname()[1], flush=True)
    while True:
        server.accept()[0].sendall(b"inside")
"""
ASK = "import socket, sys; print(socket.create_connection((sys.argv[1], sys.argv[2])).recv(6))"


@pytest.fixture
def network(tmp_path):
    """The processes of a network, and the id of the one that holds it."""
    processes = Processes(tmp_path)
    holder = [*loopback.OPEN, sys.executable, "-P", loopback.__file__]
    pid = processes.start("network", holder)
    processes.wait_until_said("network", loopback.UP, 60)
    yield processes, pid
    processes.stop(processes.names())


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_is_reached_from_inside_alone(network):
    processes, pid = network
    processes.start("server", [*loopback.entered(pid), sys.executable, "-c", SERVE])
    processes.wait_until_said("server", "port", 60)
    port = processes.log("server").read_text().split()[1]
    inside = [*loopback.entered(pid), sys.executable, "-c"]
    asked = subprocess.run([*inside, ASK, "127.0.0.1", port], capture_output=True, text=True)
    assert asked.stdout.strip() == "b'inside'", asked.stderr
    listed = "import socket; print([name for _, name in socket.if_nameindex()])"
    interfaces = subprocess.run([*inside, listed], capture_output=True, text=True)
    assert interfaces.stdout.strip() == "['lo']"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(port)), timeout=5)

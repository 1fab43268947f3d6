"""A real server of S3 on loopback, over a folder."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_KEY, _SECRET = "local-test-key-id", "local-test-secret-key"
_START_S = 30.0


class S3Server(NamedTuple):
    """A running server.

    Args:
        address: URL of its endpoint.
        bucket: the folder of the bucket named `bucket`.
    """

    address: str
    bucket: Path

    @property
    def environment(self) -> dict[str, str]:
        """What lets a process find it."""
        return {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": _KEY,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Serve a folder until the block ends."""
    rclone = str(Path(sys.executable).with_name("rclone"))
    root, log_path = folder / "s3", folder / "s3.log"
    (root / "bucket").mkdir(parents=True)
    with log_path.open("w+") as log:
        command = [rclone, "serve", "s3", "--addr", "127.0.0.1:0", "-v", "--auth-key"]
        server = subprocess.Popen([*command, f"{_KEY},{_SECRET}", str(root)], stderr=log)
        try:
            yield S3Server(_address(log_path, server), root / "bucket")
        finally:
            server.terminate()
            server.wait(timeout=_START_S)


def _address(log: Path, server: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and server.poll() is None:
        for word in log.read_text().replace("]", " ").replace("[", " ").split():
            if word.startswith("http://127.0.0.1:"):
                return word.rstrip("/")
        time.sleep(0.1)
    raise AssertionError(f"the S3 server did not start: {log.read_text()}")

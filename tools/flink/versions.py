"""The versions and hashes of the local cluster, from `infra/flink/versions.toml`."""

import tomllib
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[2] / "infra" / "flink"


def versions() -> dict[str, Any]:
    """The tables of the file: `java`, `flink`, `beam`, `operator`, `prism`."""
    return tomllib.loads((INFRA / "versions.toml").read_text())

"""The wheel, built once, and what it says of itself."""

import zipfile
from collections.abc import Callable
from email.message import Message
from pathlib import Path

import pytest

from tests.support.environments import (
    Environment,
    build_wheel,
    closure,
    link_packages,
    metadata_of,
    requested,
)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def metadata(wheel) -> Message:
    return metadata_of(wheel)


@pytest.fixture(scope="session")
def install(wheel, metadata, tmp_path_factory) -> Callable[..., Environment]:
    """`install("data")` is the environment of `pip install 'dalle[data]'`."""
    unpacked = tmp_path_factory.mktemp("unpacked")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)

    def installed(*extras: str) -> Environment:
        names = closure(requested(metadata.get_all("Requires-Dist", []), extras))
        folder = tmp_path_factory.mktemp("environment") / "packages"
        return Environment((unpacked, link_packages(names, folder)))

    return installed

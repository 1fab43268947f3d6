"""Data files inside installed packages, none of whose code is run to find them."""

import importlib.util
from pathlib import Path


def data_file(package: str, name: str) -> Path | None:
    """Path of a file in a package, given its name as imported; None where either is missing."""
    spec = importlib.util.find_spec(package)  # finds the folder without importing the package
    path = Path(spec.origin).parent / name if spec and spec.origin else None
    return path if path and path.is_file() else None

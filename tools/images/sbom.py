"""`python -m tools.images.sbom FILE…`: what is in an image, as CycloneDX 1.6, off its pins.

The same pins give the same bytes: there is no time in it, and its serial number is a hash. Source
of the form: CycloneDX 1.6, JSON reference; of the names: the package URL specification, type pypi.
"""

import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from packaging.markers import Marker

from tools.images.lock import Pin, read_pins

Document = dict[str, Any]


def sbom(name: str, version: str, pins: Iterable[Pin], machine: Mapping[str, str]) -> Document:
    """The bill of materials of an image.

    Args:
        name: of what is built.
        version: of it.
        pins: of all files of requirements that are installed.
        machine: values of markers, where they differ from those of this machine.
    """
    installed = {pin.name: pin for pin in pins if _is_installed(pin, machine)}
    parts = [_component(pin) for _, pin in sorted(installed.items())]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": _described("application", name, version)},
        "components": parts,
    }
    content = json.dumps(document, sort_keys=True)
    return document | {"serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"}


def _is_installed(pin: Pin, machine: Mapping[str, str]) -> bool:
    return not pin.marker or Marker(pin.marker).evaluate(dict(machine))


def _component(pin: Pin) -> Document:
    """A package; one of the hashes is that of the file that is installed."""
    hashes = [{"alg": "SHA-256", "content": value} for value in pin.hashes]
    return _described("library", pin.name, pin.version) | {"hashes": hashes}


def _described(kind: str, name: str, version: str) -> Document:
    purl = f"pkg:pypi/{name}@{quote(version, safe='')}"
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def main(files: Sequence[str]) -> int:
    """Print the bill of materials of what the files pin."""
    import tomllib

    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    pins = [pin for file in files for pin in read_pins(Path(file).read_text())]
    document = sbom(project["name"], project["version"], pins, {})
    print(json.dumps(document, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""ARCHITECTURE.md lists every module once, names the contracts, and has the four journeys.

That each step of a journey is there is tested with the other names, in `test_links.py`.
"""

import re
import tomllib

import pytest

from tests.support.documents import ROOT, prose, section, table_rows

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
PACKAGES = ("dalle", "orchestration", "pipelines", "dalle_model", "tools")


def listed() -> list[str]:
    """The modules below `Every file`, each with the folder of its heading."""
    found, folder = [], ""
    for line in section(ARCHITECTURE, "## Every file").splitlines():
        if heading := re.match(r"### `(.+/)`$", line):
            folder = heading[1]
        elif entry := re.match(r"- `([\w/]+\.py)`: \S", line):
            found.append(folder + entry[1])
    return found


def modules() -> list[str]:
    """Those that hold anything."""
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in paths if path.read_text().strip())


def test_every_module_is_listed_once_and_no_other():
    assert sorted(listed()) == modules()


def test_files_are_listed_under_the_nearest_heading():
    headings = re.findall(r"^### `(.+/)`$", prose(ARCHITECTURE), re.MULTILINE)
    for name in listed():
        nearest = max((h for h in headings if name.startswith(h)), key=len)
        assert f"- `{name.removeprefix(nearest)}`: " in section(ARCHITECTURE, f"### `{nearest}`")


def test_the_contracts_are_those_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = [contract["name"] for contract in project["tool"]["importlinter"]["contracts"]]
    assert [row[0] for row in table_rows(section(ARCHITECTURE, "## Contracts"))] == names


@pytest.mark.parametrize("journey", ["A caption", "A URL", "An image", "A setting"])
def test_a_journey_names_a_function_at_each_step(journey):
    text = section(ARCHITECTURE, f"### {journey}")
    steps = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    assert len(steps) >= 6
    assert [step for step in steps if not re.search(r"`[\w/]+\.py: [\w.]+`", step)] == []

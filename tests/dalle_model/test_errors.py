"""The tree of errors at the head of `dalle_model.errors` is the one in the code."""

import re
from pathlib import Path

from dalle_model import errors

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dalle_model", "pipelines", "orchestration")


def test_the_tree_lists_every_error_with_its_module():
    found = {
        name: ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(r"^class (\w+)\(DalleError\)", path.read_text(), re.MULTILINE)
    }
    listed = re.findall(r"^    (\w+) +([a-z_.]+)  ", errors.__doc__ or "", re.MULTILINE)
    assert len(listed) > 20
    assert dict(listed) == found

"""The tree of errors at the head of `dalle_model.errors` is the one in the code."""

import re
from pathlib import Path

from dalle_model import errors

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dalle_model", "pipelines", "orchestration")


def tree(root: str) -> dict[str, str]:
    """The errors that the code derives from one, with their modules."""
    return {
        name: ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for name in re.findall(rf"^class (\w+)\({root}[,)]", path.read_text(), re.MULTILINE)
    }


def listed(indent: int) -> dict[str, str]:
    """The errors at one depth of the tree, with their modules."""
    rows = re.findall(
        rf"^ {{{indent}}}(\w+) +([a-z_]+\.[a-z0-9_.]+) +\S", errors.__doc__ or "", re.MULTILINE
    )
    return dict(rows)


def test_the_tree_lists_every_error_with_its_module():
    failed = tree("DalleError")
    assert failed.pop("UsageError") == "dalle_model.errors"
    assert listed(4) == failed
    assert listed(8) == tree("UsageError")
    assert len(failed) > 15
    assert len(tree("UsageError")) > 10

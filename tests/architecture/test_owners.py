"""What one module owns is spelt nowhere else; a planted violation of each is caught."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dalle", "pipelines", "dalle_model", "orchestration")
LAYOUT = "pipelines/io/layout.py"
BEAM_PRIVATE = "orchestration/beam/private.py"

# Names of the run directory that mean nothing else, wherever they stand in a text.
SPELT = ("part-", "manifest.json", "timings.json", "config.json", "rejected/", "index.html")
# Words that name a folder of the run directory where they are joined to a path.
JOINED = {"rejected", "progress", "report", "site", "recipes", "crawl", "captions", "images"}


def modules() -> dict[str, str]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module but its docstrings."""
    nodes = (ast.Module, ast.ClassDef, ast.FunctionDef)
    documented = [node for node in ast.walk(tree) if isinstance(node, nodes) and node.body]
    docstrings = {id(n.body[0].value) for n in documented if isinstance(n.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            yield from [node.value] if isinstance(node.value, str) else []


def spells_the_run_directory(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [text for text in texts(tree) for name in SPELT if name in text]
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "join":
            arguments = [a.value for a in call.args if isinstance(a, ast.Constant)]
            found += [text for text in arguments if text in JOINED]
    return found


def reads_beams_private_names(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apache_beam."):
            public = ("io", "metrics", "options", "pvalue", "testing", "transforms", "typehints")
            if (node.module or "").split(".")[1] not in public:
                found.append(node.module or "")
    return found


OWNED = {
    spells_the_run_directory: (LAYOUT, 'files.join(root, "rejected", name)'),
    reads_beams_private_names: (BEAM_PRIVATE, "from apache_beam.runners.portability import x"),
}


@pytest.mark.parametrize("finds", OWNED)
def test_only_the_owner_spells_it(finds):
    owner, _ = OWNED[finds]
    found = {name: marks for name, source in modules().items() if (marks := finds(source))}
    assert owner in found
    assert set(found) == {owner}


@pytest.mark.parametrize("finds", OWNED)
def test_a_planted_violation_is_caught(finds):
    _, planted = OWNED[finds]
    assert finds(f"def work(root, name):\n    {planted}\n")


@pytest.mark.parametrize("text", ["part-00000-of-00001.parquet", "manifest.json", "rejected/x"])
def test_a_name_of_the_run_directory_is_found_in_any_text(text):
    assert spells_the_run_directory(f"NAME = f'{text}'")
    assert not spells_the_run_directory(f'"""Of {text}."""')

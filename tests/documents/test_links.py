"""Links between documents lead somewhere, and the files that are named are there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.documents import DOCUMENTS, ROOT, anchors, code_spans, links

FOLDERS = (
    "dalle",
    "orchestration",
    "pipelines",
    "dalle_model",
    "tools",
    "tests",
    "benchmarks",
    "infra",
)
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
_PATH = re.compile(rf"((?:{'|'.join(FOLDERS)}|demo|docs)/[\w./-]*)(?:: ([\w.]+))?")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_resolve(document):
    local = [target for target in links(document) if "://" not in target]
    broken = []
    for target in local:
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(target)
    assert broken == []


def test_every_document_is_reached_from_the_readme():
    reached, left = set(), [ROOT / "README.md"]
    while left:
        document = left.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        targets = (target.partition("#")[0] for target in links(document) if "://" not in target)
        left += [(document.parent / target).resolve() for target in targets if target]
    assert set(DOCUMENTS) <= reached


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_functions_that_are_named_are_there(document):
    named = [found for span in code_spans(document) if (found := _PATH.fullmatch(span))]
    assert [name[1] for name in named if not (ROOT / name[1]).exists()] == []
    functions = [(name[1], name[2]) for name in named if name[2]]
    assert [pair for pair in functions if pair[1] not in names_in(ROOT / pair[0])] == []


@cache
def names_in(path: Path) -> frozenset[str]:
    """Functions and classes of a module, and `Class.method`."""
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, _FUNCTIONS | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [inner for inner in node.body if isinstance(inner, _FUNCTIONS)]
            found |= {f"{node.name}.{method.name}" for method in methods}
    return frozenset(found)

"""What img2dataset's source says, without its import, which would load torch."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def source_of(module: str) -> ast.Module:
    """A module of the installed package."""
    found = find_spec("img2dataset")
    assert found is not None
    assert found.origin is not None
    return ast.parse(Path(found.origin).with_name(f"{module}.py").read_text())


def function(module: str, name: str) -> ast.FunctionDef:
    """One of its functions."""
    functions = [n for n in ast.walk(source_of(module)) if isinstance(n, ast.FunctionDef)]
    return next(found for found in functions if found.name == name)


def options() -> dict[str, Any]:
    """The options of `img2dataset.download` in order, with their defaults; None for none."""
    arguments = function("main", "download").args
    names = [argument.arg for argument in arguments.args]
    values = [None] * (len(names) - len(arguments.defaults)) + [*map(_value, arguments.defaults)]
    return dict(zip(names, values, strict=True))


def _value(default: ast.expr) -> Any:
    try:
        return ast.literal_eval(default)
    except ValueError:
        return float("inf")  # written as `float("inf")`

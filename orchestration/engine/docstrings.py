"""The meaning of settings, from the section `Args` of the docstrings of their classes."""

import inspect
import re

_ENTRY = re.compile(r"^    (\w+): (.*)$")
_CONTINUED = re.compile(r"^ {8,}(\S.*)$")


def meanings(model: type) -> dict[str, str]:
    """By field, what the docstrings of a class and of those that it inherits from say of it."""
    found: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        found |= _arguments(inspect.cleandoc(vars(owner).get("__doc__") or ""))
    return found


def _arguments(docstring: str) -> dict[str, str]:
    """The entries of `Args`, each as one line; the section ends with the first line at its left."""
    _, _, section = docstring.partition("\nArgs:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if entry := _ENTRY.match(line):
            name = entry[1]
            found[name] = entry[2].strip()
        elif name and (more := _CONTINUED.match(line)):
            found[name] += f" {more[1].strip()}"
        elif line.strip():
            break
    return found

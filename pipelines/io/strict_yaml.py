"""YAML without its surprises: aliases, duplicate keys, tags, keys that are not names."""

from collections.abc import Iterator
from typing import Any

import yaml


class StrictYamlError(ValueError):
    """The bytes are not a plain YAML mapping.

    Args:
        line: counted from 1, where the problem is.
        problem: what is wrong, in one line.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(line, problem)
        self.line, self.problem = line, problem

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


class _StrictLoader(yaml.SafeLoader):
    """Safe YAML without aliases, which can blow up, or duplicate keys, which overwrite another."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: yaml.AliasEvent = self.peek_event()  # type: ignore[no-untyped-call]
            problem = f"aliases (`*{event.anchor}`) are not allowed"
            raise StrictYamlError(_line(event.start_mark), problem)
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.MappingNode):
            _refuse_duplicate_keys(node)
        return node


def compose(content: bytes, expected: str) -> yaml.MappingNode:
    """The mapping in a file, with the lines of its keys.

    Args:
        content: UTF-8 text.
        expected: what the file should hold, for the error if it is not a mapping.

    Raises:
        StrictYamlError: the file holds something else.
    """
    try:
        node = _StrictLoader(content.decode()).get_single_node()
    except UnicodeDecodeError as error:
        raise StrictYamlError(1, f"not UTF-8 text: {error.reason}") from error
    except yaml.MarkedYAMLError as error:
        problem = f"not YAML: {error.problem}"
        raise StrictYamlError(_line(error.problem_mark), problem) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise StrictYamlError(1, f"not YAML: {_one_line(error)}") from error
    if not isinstance(node, yaml.MappingNode):
        raise StrictYamlError(1, expected)
    return node


def construct(node: yaml.MappingNode) -> Any:
    """The value of a mapping.

    Raises:
        StrictYamlError: a tag, or a scalar that cannot be read, such as a date in no calendar.
    """
    try:
        return yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        problem = f"not YAML: {error.problem}"
        raise StrictYamlError(_line(error.problem_mark), problem) from error
    except (ValueError, yaml.YAMLError) as error:
        raise StrictYamlError(1, f"not YAML: {_one_line(error)}") from error


def key_lines(node: yaml.MappingNode) -> Iterator[tuple[str, str, int]]:
    """Section, name and line, counted from 1, of each key of each mapping in a mapping."""
    for key, section in node.value:
        if isinstance(section, yaml.MappingNode):
            for name, _ in section.value:
                yield key.value, name.value, name.start_mark.line + 1


def line_of(node: yaml.Node | None, path: list[str]) -> int:
    """Line, counted from 1, of a value, or of the nearest one above it that is there.

    Args:
        node: of the whole file.
        path: keys of mappings, and indices of sequences as text.
    """
    line = 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == part), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and part.isdigit() and int(part) < len(node.value):
            node = node.value[int(part)]
            line = node.start_mark.line + 1
    return line


def _refuse_duplicate_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise StrictYamlError(line, "a key must be a plain name")
        if key.value in seen:
            raise StrictYamlError(line, f"`{key.value}` appears twice")
        seen.add(key.value)


def _line(mark: Any) -> int:
    """Line of a mark of YAML, counted from 1; where there is none, 1."""
    return mark.line + 1 if mark else 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

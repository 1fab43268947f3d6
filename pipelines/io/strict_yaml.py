"""YAML without its surprises: aliases, duplicate keys, tags, keys that are not names."""

from collections.abc import Iterator
from typing import Any

import yaml


class PlainYamlError(ValueError):
    """The bytes are not a plain YAML mapping; one line says where and why."""


class _PlainLoader(yaml.SafeLoader):
    """Safe YAML without aliases, which can blow up, or duplicate keys, which overwrite another."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"line {self.get_mark().line + 1}: no aliases here")
        node = super().compose_node(parent, index)
        if isinstance(node, yaml.MappingNode):
            _refuse_duplicate_keys(node)
        return node


def compose(content: bytes) -> yaml.MappingNode:
    """The mapping in a file, with the lines of its keys.

    Raises:
        PlainYamlError: the file holds something else.
    """
    try:
        node = _PlainLoader(content).get_single_node()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PlainYamlError(_one_line(error)) from error
    if not isinstance(node, yaml.MappingNode):
        raise PlainYamlError("a recipe is a mapping with `about` and `rules`")
    return node


def construct(node: yaml.MappingNode) -> Any:
    """The value of a mapping.

    Raises:
        PlainYamlError: a tag or a scalar that cannot be read.
    """
    try:
        return yaml.SafeLoader("").construct_document(node)
    except (ValueError, yaml.YAMLError) as error:
        raise PlainYamlError(_one_line(error)) from error


def key_lines(node: yaml.MappingNode) -> Iterator[tuple[str, str, int]]:
    """Section, name and line, counted from 1, of each key of each mapping in a mapping."""
    for key, section in node.value:
        if isinstance(section, yaml.MappingNode):
            for name, _ in section.value:
                yield key.value, name.value, name.start_mark.line + 1


def _refuse_duplicate_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.YAMLError(f"line {line}: a key must be a plain name")
        if key.value in seen:
            raise yaml.YAMLError(f"line {line}: {key.value!r} appears twice")
        seen.add(key.value)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

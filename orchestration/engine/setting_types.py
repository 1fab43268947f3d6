"""The types of settings in words, and the classes of settings inside of others."""

import dataclasses
import types
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

_LIMITS = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def limits_in_words(metadata: list[Any]) -> list[str]:
    """The limits of a field of pydantic, such as `at least 8`."""
    return [
        f"{words} {getattr(one, name):g}"
        for one in metadata
        for name, words in _LIMITS.items()
        if getattr(one, name, None) is not None
    ]


def class_in(annotation: Any) -> tuple[type | None, bool]:
    """The class of settings in an annotation, and whether it is that of a list's items."""
    options = get_args(annotation) if _is_union(annotation) else (annotation,)
    for option in options:
        if _is_settings(option):
            return option, False
        if get_origin(option) is tuple and _is_settings(get_args(option)[0]):
            return get_args(option)[0], True
    return None, False


def _is_settings(annotation: Any) -> bool:
    return isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or dataclasses.is_dataclass(annotation)
    )


def _is_union(annotation: Any) -> bool:
    return get_origin(annotation) in {Union, types.UnionType}


def in_words(annotation: Any) -> str:
    """A type in words."""
    if _is_union(annotation):
        return " or ".join(dict.fromkeys(in_words(option) for option in get_args(annotation)))
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is type(None):
        return "null"
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"list of {in_words(arguments[0])}"
        return f"{len(arguments)} of {in_words(arguments[0])}"
    if origin is dict:
        return f"mapping to {in_words(arguments[1])}"
    if hasattr(annotation, "__metadata__"):  # Annotated
        return in_words(arguments[0])
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))

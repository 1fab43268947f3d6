"""Values of a source that travel with a row: one text on the way, columns of a token shard at last.

What a table holds is not trusted: a value is a scalar of limited length, or it is not carried.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple, get_args

Type = Literal["text", "integer", "number"]
Scalar = str | int | float | bool

TYPES: tuple[Type, ...] = get_args(Type)
MAX_COLUMNS = 50  # chosen: more than any data set of the web has, of which one wants a few
MAX_NAME_CHARS = 100  # of a column; chosen: what a table shows
MAX_VALUE_CHARS = 1000  # chosen: as much as a rejection quotes of a caption
MAX_ROW_CHARS = 10_000  # of all values of a row; chosen: as the longest caption

_DIGITS = re.compile(r"[+-]?[0-9]{1,20}")
_MOST, _LEAST = 2**63 - 1, -(2**63)  # of int64


class Carried(NamedTuple):
    """The values of a row.

    Args:
        text: canonical JSON of an object with sorted keys; empty where there are no values.
        left_out: names of those that are no scalar, or too long.
    """

    text: str = ""
    left_out: tuple[str, ...] = ()


NOTHING = Carried()


def common_types(of_sources: Iterable[Mapping[str, Type]]) -> dict[str, Type]:
    """The types of what several sources carry, by name, sorted.

    Raises:
        ValueError: one name has two types, or differs from another one in nothing but case.
    """
    found: dict[str, Type] = {}
    spelled: dict[str, str] = {}
    for types in of_sources:
        for name, kind in types.items():
            other = spelled.setdefault(name.lower(), name)
            if other != name:
                raise ValueError(f"`carry` names {other!r} and {name!r}: spell them alike")
            if found.setdefault(name, kind) != kind:
                raise ValueError(
                    f"`carry` gives {name!r} two types, {found[name]} and {kind}: all sources "
                    "write into one column"
                )
    return dict(sorted(found.items()))


def packed(values: Mapping[str, Any]) -> Carried:
    """Values as a text that is equal for equal values; None, NaN and empty texts are no values.

    Args:
        values: by name; as a table or a file of JSON holds them.
    """
    kept: dict[str, Scalar] = {}
    left_out = []
    room = MAX_ROW_CHARS
    for name, value in sorted(values.items()):
        if value is None or value == "" or value != value:  # NaN != NaN
            continue
        scalar = _scalar(value)
        size = len(str(scalar))
        if scalar is None or size > min(room, MAX_VALUE_CHARS):
            left_out.append(name)
        elif scalar != "":
            kept[name] = scalar
            room -= size
    text = json.dumps(kept, sort_keys=True, separators=(",", ":"), allow_nan=False) if kept else ""
    return Carried(text, tuple(left_out))


def unpacked(text: str) -> dict[str, Scalar]:
    """The values that were packed."""
    found: dict[str, Scalar] = json.loads(text) if text else {}
    return found


def read_as(value: Scalar, kind: Type) -> Scalar | None:
    """A value as a type; None where it cannot be read as that.

    An integer may be written `7` or `7.0`; a number that is not finite is none.
    """
    if kind == "text":
        return value if isinstance(value, str) else json.dumps(value)
    try:
        if kind == "number":
            number = float(value)
            return number if math.isfinite(number) else None
        whole = _whole(value)
    except (OverflowError, ValueError):
        return None
    return whole if whole is not None and _LEAST <= whole <= _MOST else None


def _scalar(value: Any) -> Scalar | None:
    """A value as JSON has it; None where it is none of one piece."""
    if isinstance(value, bytes):
        try:
            value = value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, int):
        return value if _LEAST <= value <= _MOST else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list | tuple | set):
        return None
    text = str(value).strip()  # dates and decimals, too
    return text if text.isascii() or _is_unicode(text) else None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _whole(value: Scalar) -> int | None:
    """A value as an integer, if it is one; never by way of a float, which would lose digits."""
    if isinstance(value, int) or (isinstance(value, str) and _DIGITS.fullmatch(value)):
        return int(value)
    number = float(value)
    return int(number) if number.is_integer() else None

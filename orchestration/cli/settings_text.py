"""Settings as a terminal shows them: a line each, and below it the meaning."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orchestration.engine.settings_list import REQUIRED, Setting

INDENT = " " * 4
MIN_WIDTH = 40  # columns; chosen: a meaning below that is a column of single words
_BESIDE = ("value", "source")  # of a config


def settings_text(settings: Sequence[Setting], width: int) -> str:
    """All settings, a paragraph each.

    Args:
        settings: with or without values.
        width: of the terminal, in columns.
    """
    return "\n".join(_paragraph(setting, max(width, MIN_WIDTH)) for setting in settings)


def settings_json(settings: Sequence[Setting]) -> str:
    """The same as JSON, with `value` and `source` where they are those of a config."""
    rows = [asdict(setting) for setting in settings]
    return json.dumps(
        [{k: v for k, v in row.items() if k not in _BESIDE or row["source"]} for row in rows],
        ensure_ascii=False,
        indent=1,
    )


def _paragraph(setting: Setting, width: int) -> str:
    lines = _folded(f"{setting.name}: {_head(setting)}", width, "")
    lines += _folded(f"{setting.type}. {setting.meaning}", width, INDENT)
    return "\n".join(lines)


def _head(setting: Setting) -> str:
    if not setting.source:
        return _shown(setting.default)
    beside = "" if setting.source == "default" else f", default {_shown(setting.default)}"
    return f"{_shown(setting.value)}  ({setting.source}{beside})"


def _shown(value: Any) -> str:
    if value == REQUIRED:
        return REQUIRED
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def _folded(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent or INDENT,
        break_on_hyphens=False,
        break_long_words=False,
    )

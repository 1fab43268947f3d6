"""Settings that start from a preset: what a config file leaves out is the preset's."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any


def fill_from_preset(values: Any, **presets: Mapping[str, Any]) -> Any:
    """Fill in, field by field, what the file leaves out.

    Args:
        values: a section as written; anything but a mapping is left to its validation.
        presets: by the setting's name, dataclasses by the preset's name.
    """
    if not isinstance(values, dict):
        return values
    preset = values.get("preset", "demo")
    filled = dict(values)
    for name, known in presets.items():
        given = values.get(name, {})
        if isinstance(given, dict) and preset in known:
            filled[name] = asdict(known[preset]) | given
    return filled

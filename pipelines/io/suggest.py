"""The known name that a person most likely meant."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The known name nearest to an unknown one; None where none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1)), None)

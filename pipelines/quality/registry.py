"""The scorers: every module of `pipelines/quality/scorers`."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from pipelines.quality import scorers
from pipelines.quality.scorer import Scorer


@cache
def registry() -> tuple[Scorer, ...]:
    """All scorers, those that take least of an image first; of these, the first by name."""
    modules = (
        import_module(f"{scorers.__name__}.{m.name}") for m in iter_modules(scorers.__path__)
    )
    return tuple(sorted((m.SCORER for m in modules), key=lambda s: (s.cpu_s, s.name)))

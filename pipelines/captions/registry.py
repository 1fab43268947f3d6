"""Rules by name: the bundled ones, those of other packages, and any that a program adds."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar


class Named(Protocol):
    """Anything with a name in recipes."""

    @property
    def name(self) -> str:
        """Lower snake case: key in the recipe, reason of the rejections and their counter."""


RuleT = TypeVar("RuleT", bound=Named)


class Registry(Mapping[str, RuleT], Generic[RuleT]):
    """Rules by name, in the order in which they were registered.

    Args:
        rules: to begin with.
        load: the rules that other packages add, asked for at the first look-up.
    """

    def __init__(self, *rules: RuleT, load: Callable[[], Iterable[RuleT]] = tuple) -> None:
        self._rules: dict[str, RuleT] = {}
        self._load: Callable[[], Iterable[RuleT]] | None = load
        for rule in rules:
            self.register(rule)

    def register(self, rule: RuleT) -> None:
        """Add a rule, so that recipes may name it, in this process alone.

        Raises:
            ValueError: its name is taken.
        """
        if rule.name in self._rules:
            raise ValueError(f"there is a rule {rule.name!r} already; give yours another name")
        self._rules[rule.name] = rule

    def remove(self, name: str) -> None:
        """Take a rule away again."""
        del self._rules[name]

    def _all(self) -> dict[str, RuleT]:
        load, self._load = self._load, None
        for rule in load() if load else ():
            self.register(rule)
        return self._rules

    def __getitem__(self, name: str) -> RuleT:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

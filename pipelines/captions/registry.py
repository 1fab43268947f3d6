"""Rules by name: those of this package, and any that a program adds before it loads a recipe."""

from collections.abc import Iterator, Mapping
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
    """

    def __init__(self, *rules: RuleT) -> None:
        self._rules: dict[str, RuleT] = {}
        for rule in rules:
            self.register(rule)

    def register(self, rule: RuleT) -> None:
        """Add a rule, so that recipes may name it; in every process that runs the stage.

        Raises:
            ValueError: its name is taken.
        """
        if rule.name in self._rules:
            raise ValueError(f"there is a rule {rule.name!r} already; give yours another name")
        self._rules[rule.name] = rule

    def remove(self, name: str) -> None:
        """Take a rule away again."""
        del self._rules[name]

    def __getitem__(self, name: str) -> RuleT:
        return self._rules[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rules)

    def __len__(self) -> int:
        return len(self._rules)

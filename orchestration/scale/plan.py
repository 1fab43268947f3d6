"""A plan of a run of some size, as a value that prints itself."""

from dataclasses import dataclass

from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.graph import Graph, all_stages
from orchestration.engine.sizes import size_text
from orchestration.scale.engines import ENGINES
from orchestration.scale.estimate import StageEstimate, Totals, dollars, totals
from orchestration.scale.prices import EXAMPLE, Prices
from orchestration.scale.walls import Wall, walls
from pipelines.io.suggest import did_you_mean
from pipelines.stage import Cost

_HEADER = f"{'stage':<10}{'core hours':>14}{'stored':>12}{'shuffled':>12}{'from the web':>14}"


@dataclass(frozen=True)
class Estimate:
    """What a number of pairs needs; `str()` is what the command prints.

    Args:
        pairs: image-caption pairs that are crawled.
        profile: where they are worked on.
        totals: by stage, and of the whole run.
        dollars: by the name of a price.
        prices: by which they were counted.
        walls: what gives way up to this size, and then the next thing to do so.
    """

    pairs: float
    profile: str
    totals: Totals
    dollars: dict[str, float]
    prices: Prices
    walls: tuple[Wall, ...]

    def __str__(self) -> str:
        return "\n".join([*self._table(), "", *self._money(), "", *self._walls()])

    def _table(self) -> list[str]:
        found = self.totals
        every = StageEstimate(
            "all", found.core_hours, found.stored_bytes, found.shuffled_bytes, found.received_bytes
        )
        workers = f"{found.workers:,} worker{'s' * (found.workers != 1)}"
        return [
            f"{self.pairs:,.0f} pairs on {self.profile}: {workers} of one core, "
            f"{found.hours:,.1f} hours, {found.num_shards:,} shards",
            "",
            _HEADER,
            *(_line(stage) for stage in (*found.stages, every)),
            *(f"{stage.stage}: {stage.assumes}" for stage in found.stages if stage.assumes),
        ]

    def _money(self) -> list[str]:
        lines = []
        for name, usd in self.dollars.items():
            price = getattr(self.prices, name)
            lines.append(
                f"{name:<16}{usd:>14,.2f} USD at {price.usd:g} ({price.date}; {price.source})"
            )
        return [*lines, f"{'all':<16}{sum(self.dollars.values()):>14,.2f} USD"]

    def _walls(self) -> list[str]:
        return [
            f"{'gives way' if wall.pairs <= self.pairs else 'next'} at {_round(wall.pairs)} pairs: "
            f"{wall.what}; {wall.remedy}"
            for wall in self.walls
        ]


def estimate(
    pairs: float,
    profile: str,
    hours: float,
    prices: Prices = EXAMPLE,
    months: float = 1,
    config: RunConfig | None = None,
) -> Estimate:
    """What a number of pairs needs, by the costs that the stages state.

    Args:
        pairs: at least one.
        profile: one of `ENGINES`.
        hours: in which the run should be done; positive.
        prices: of what is paid for.
        months: for which the run directory is kept.
        config: of the run; None for one with the default settings.

    Raises:
        ConfigError: there is no such profile, or a number makes no sense.
        UsageError: what the config names, such as a codec, is missing or wrong.
    """
    _check(pairs, profile, hours)
    costs, engine = known_costs(config), ENGINES[profile]
    found = totals(pairs, costs, engine, hours)
    ahead = walls(costs, engine, hours, max_shards())
    hit = [wall for wall in ahead if wall.pairs <= pairs]
    return Estimate(
        pairs,
        profile,
        found,
        dollars(found, prices, months),
        prices,
        tuple(ahead[: len(hit) + 1]),
    )


def known_costs(config: RunConfig | None = None) -> dict[str, Cost]:
    """By stage, in the order of a run; without a config, of those that are part of every run."""
    if config is None:
        found = [(stage.name, stage.cost) for stage in all_stages() if stage.is_default]
    else:
        graph = Graph.of(config)
        found = [(stage.name, graph.cost(stage)) for stage in graph.stages]
    return {name: cost for name, cost in found if cost is not None}


def max_shards() -> int:
    """What a config may have."""
    bounds = RunConfig.model_fields["num_shards"].metadata
    return next(int(bound.le) for bound in bounds if hasattr(bound, "le"))


def _check(pairs: float, profile: str, hours: float) -> None:
    if profile not in ENGINES:
        near = did_you_mean(profile, ENGINES)
        meant = f"did you mean `{near}`?" if near else f"there are {', '.join(ENGINES)}"
        raise ConfigError(f"no profile {profile[:80]!r} to plan for; {meant}")
    if not 1 <= pairs <= 1e12:
        raise ConfigError(f"--pairs {pairs:g}: give a number from 1 to 1e12, such as 5e9")
    if not 0 < hours <= 1e6:
        raise ConfigError(f"--hours {hours:g}: give a number above 0, such as 168 for a week")


def _line(stage: StageEstimate) -> str:
    return (
        f"{stage.stage:<10}{stage.core_hours:>14,.1f}{size_text(stage.stored_bytes):>12}"
        f"{size_text(stage.shuffled_bytes):>12}{size_text(stage.received_bytes):>14}"
    )


def _round(number: float) -> str:
    """To two digits, as 1,200,000."""
    return f"{float(f'{number:.1e}'):,.0f}"

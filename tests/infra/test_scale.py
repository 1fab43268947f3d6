"""infra/SCALE.md shows what the command prints, and the costs that the stages state."""

import re
import shlex

import pytest
import yaml

from orchestration.scale.plan import estimate, known_costs
from orchestration.scale.prices import Prices
from pipelines.encode.rates import RATES
from tests.support.documents import ROOT, section, snippets, table_rows

SCALE = ROOT / "infra" / "SCALE.md"
COMMANDS = [snippet.text for snippet in snippets("console", path=SCALE)]
BLOCKS = [snippet.text for snippet in snippets("", path=SCALE)]
UNITS = {"µs": 1e-6, "ms": 1e-3, "kB": 1e3, "": 1.0}


def test_there_are_three_sizes():
    assert [line.split()[4] for line in COMMANDS] == ["1e6", "1e8", "5e9"]


@pytest.mark.parametrize("position", range(3))
def test_a_plan_is_the_one_that_is_printed(position):
    *_, pairs, _, profile = shlex.split(COMMANDS[position])
    assert BLOCKS[position].rstrip() == str(estimate(float(pairs), profile, hours=168))


def test_prices_of_ones_own_are_shown_as_they_are_read():
    assert Prices.model_validate(yaml.safe_load(BLOCKS[3])).core_hour.source == "our contract"


def test_the_costs_are_those_of_the_stages():
    rows = table_rows(section(SCALE, "## Where the figures are from"))
    shown = {row[0]: row[1] for row in rows if row[0] in known_costs()}
    assert list(shown) == list(known_costs())
    for name, cost in known_costs().items():
        cpu, *figures = shown[name].split(", ")
        number, unit = cpu.split()
        assert float(number) * UNITS[unit] == pytest.approx(cost.cpu_s, rel=0.01)
        expected = {"stored": cost.stored_bytes, "shuffled": cost.shuffled_bytes}
        expected |= {"held": cost.held_bytes, "received": cost.received_bytes}
        assert stated(figures) == {word: value for word, value in expected.items() if value}


def test_the_codecs_are_those_whose_seconds_are_counted():
    rows = list(table_rows(section(SCALE, "## Another codec")))
    assert rows == [
        [
            rate.codec,
            f"`{rate.kind}`",
            f"{rate.patch} px",
            f"{rate.image_shape[0]} px",
            f"{rate.cpu_s:.2g}",
        ]
        for rate in RATES
    ]


def stated(figures: list[str]) -> dict[str, float]:
    """`208 kB received and stored` as bytes by word."""
    found: dict[str, float] = {}
    for figure in figures:
        match = re.fullmatch(r"(?:up to )?([\d,]+)(?: (kB|bytes))? (.+)", figure)
        assert match, figure
        number, unit, words = match.groups()
        size = float(number.replace(",", "")) * UNITS.get(unit or "", 1.0)
        found |= dict.fromkeys(words.split(" and "), size)
    return found

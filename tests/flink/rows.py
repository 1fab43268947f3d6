"""A table of many rows on a Flink cluster of two TaskManagers: the bytes of a local run."""

import random
from pathlib import Path

import pytest

from tests.support.commands import checksums
from tests.support.local_flink import LocalFlink, locally
from tools.flink.cluster import JOB_SERVER, TASK_MANAGERS

pytestmark = [pytest.mark.flink, pytest.mark.timeout(3600)]
NUM_ROWS = 100_000
NOUNS = ("dog", "cat", "boat", "house", "river", "mountain", "bridge", "child", "tree", "street")
PLACES = ("near", "under", "beside", "above", "behind")
LOOKS = ("old", "red", "small", "wooden", "quiet", "bright", "snowy", "green", "tall", "broken")


def write_rows(folder: Path) -> Path:
    """A config whose source is a generated table: captions of everyday words, some bad ones."""
    chance = random.Random(11)
    lines = ["url,caption"]
    for row in range(NUM_ROWS):
        one, other = chance.sample(NOUNS, 2)
        look, place = chance.choice(LOOKS), chance.choice(PLACES)
        text = f"a {look} {one} {place} the {chance.choice(LOOKS)} {other}, number {row}"
        lines.append(f'http://images.example/{row}.jpg,"{"IMG" if row % 10 == 0 else text}"')
    table = folder / "rows.csv"
    table.write_text("\n".join(lines))
    config = folder / "config.yaml"
    config.write_text(
        f"name: rows\nnum_shards: 8\ncrawl: {{sources: [{{path: {table}, name: rows}}]}}\n"
        "captions: {recipe: dalle}\n"
    )
    return config


def test_a_hundred_thousand_rows(flink: LocalFlink, tmp_path):
    config = write_rows(tmp_path)
    stages = ["crawl", "captions", "--config", config, "--dir"]
    locally(*stages, tmp_path / "local")
    flink.run(*stages, tmp_path / "flink")
    assert checksums(tmp_path / "flink") == checksums(tmp_path / "local")
    assert {flink.processes.pid(name) is None for name in (*TASK_MANAGERS, JOB_SERVER)} == {False}

import ast
import math

import pyarrow as pa
import pytest

from orchestration.export import layouts
from pipelines.fetch.backends.img2dataset import downloader
from tests.support.img2dataset_source import function, options, source_of


@pytest.mark.parametrize(
    ("shard", "position", "per_shard"),
    [(0, 0, 10_000), (7, 42, 10_000), (3, 999, 1000), (12, 5, 1500), (99_999, 9999, 10_000),
     (4, 0, 1), (2, 1, 2)],
)  # fmt: skip
def test_keys_and_names_are_its(shard, position, per_shard):
    digits = math.ceil(math.log10(per_shard))
    theirs = downloader().compute_key(position, shard, digits, layouts.SHARD_DIGITS)
    assert layouts.sample_key(shard, position, per_shard) == theirs
    assert layouts.shard_name(7) == "00007"


def test_defaults_are_its():
    assert options()["oom_shard_count"] == layouts.SHARD_DIGITS
    assert options()["number_sample_per_shard"] == layouts.SAMPLES_PER_SHARD


def test_the_columns_of_its_log_are_those_and_their_types():
    """Read off the source of `download_shard`, where it appends them one by one."""
    calls = [node for node in ast.walk(source_of("downloader")) if isinstance(node, ast.Call)]
    fields = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "field"]
    named = {ast.literal_eval(c.args[0]): ast.unparse(c.args[1]) for c in fields
             if isinstance(c.args[0], ast.Constant)}  # fmt: skip
    assert len(named) == 8
    ours = {field.name: f"pa.{field.type}()" for field in layouts.OUTCOME}
    assert ours == named | {"sha256": "pa.string()"}


def test_reserved_names_are_those_that_it_refuses():
    lists = [
        ast.literal_eval(n)
        for n in ast.walk(function("main", "arguments_validator"))
        if isinstance(n, ast.List)
    ]
    assert {name for names in lists if len(names) > 5 for name in names} == layouts.RESERVED


def test_columns_of_a_run_come_before_the_pair_as_further_columns_of_its_input():
    names = layouts.log_schema([pa.field("score", pa.float32(), nullable=False)]).names
    assert names[:8] == [*layouts.PROVENANCE, "pair_key", "score", "caption", "url"]
    assert not set(names[:5]) & layouts.RESERVED


def test_statistics_have_its_counts_and_no_time():
    assert layouts.statistics(3) == {
        "count": 3, "successes": 3, "failed_to_download": 0, "failed_to_resize": 0,
        "status_dict": {"success": 3},
    }  # fmt: skip
    tables = [n for n in ast.walk(function("logger", "write_stats")) if isinstance(n, ast.Dict)]
    written = [key.value for key in tables[0].keys if isinstance(key, ast.Constant)]
    times = ["duration", "start_time", "end_time"]
    assert [name for name in written if name not in times] == list(layouts.statistics(3))

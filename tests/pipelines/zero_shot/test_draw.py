import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from dalle_model.clip.registry import load_scorer
from dalle_model.config import PriorConfig
from dalle_model.pixels import from_stored, to_png
from dalle_model.prior.model import Prior
from dalle_model.prior.trained import CodesOrigin, TrainedPrior, save_prior
from dalle_model.progress import ignore_steps
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.best_of import curves
from pipelines.records import CODEC, PRIOR
from pipelines.zero_shot.config import ZeroShotConfig
from pipelines.zero_shot.draw import in_turn, is_right, sample_held_out
from tests.support.priors import tiny_tokenizer
from tools.small_world.shapes import render

WORLD = Path(__file__).resolve().parents[3] / "demo" / "world" / "held_out"


def row(key: int, kind: str, value: str, style: str = "noto") -> dict[str, str]:
    return {
        "key": f"{key:040x}",
        "caption": f"{kind} {value}",
        "kind": kind,
        "style": style,
        "attributes": json.dumps({"who": value}),
    }


def test_kinds_come_in_turn_each_combination_once() -> None:
    rows = [row(n, "person", f"p{n % 3}") for n in range(6)]
    rows += [row(9, "clock", "one"), row(8, "clock", "one", "twemoji")]
    found = [(r["kind"], r["attributes"][-4:-2], r["style"]) for r in in_turn(rows[::-1])]
    assert found == [
        ("clock", "ne", "twemoji"),
        ("person", "p0", "noto"),
        ("clock", "ne", "noto"),
        ("person", "p1", "noto"),
        ("person", "p2", "noto"),
    ]


def test_an_emoji_is_right_by_its_nearest_and_shapes_by_what_is_read() -> None:
    anything = np.zeros((64, 64, 3), np.uint8)
    own = row(0, "person", "cook")
    assert is_right(own, anything, row(1, "person", "cook"))
    assert not is_right(own, anything, row(1, "person", "cook", "twemoji"))
    assert not is_right(own, anything, row(1, "person", "judge"))
    attributes = {"count": "one", "color": "red", "shape": "circle"}
    shapes = row(0, "count", "") | {"attributes": json.dumps(attributes)}
    assert is_right(shapes, render([("red", "circle", (8, 8))]), own)
    assert not is_right(shapes, render([("red", "square", (8, 8))]), own)


def task_of_a_prior_that_knows_nothing(folder: Path) -> Any:
    torch.set_num_threads(1)
    codec = inspect_codec("demo")
    sizes = PriorConfig(
        text_vocab=300, text_len=20, image_vocab=1024, grid=8, layers=1, heads=1, head_dim=16,
        conv_kernel=3,
    )  # fmt: skip
    url = str(folder / "prior.safetensors")
    codes = CodesOrigin(codec.sha256, 8, 1024)
    save_prior(url, TrainedPrior(Prior(sizes).eval(), tiny_tokenizer(), codes, {}))
    return SimpleNamespace(url={CODEC: "demo", PRIOR: url}.__getitem__)


def test_a_prior_that_knows_nothing_is_right_by_chance(tmp_path: Path) -> None:
    task = task_of_a_prior_that_knows_nothing(tmp_path)
    found = sample_held_out(task, ZeroShotConfig(world=str(WORLD), num_captions=16), ignore_steps)
    table = pq.read_table(pa.BufferReader(found.table)).to_pylist()
    assert len(table) == found.metrics["captions"] == 16
    assert found.metrics["right"] == sum(one["is_right"] for one in table) <= 1
    assert found.metrics["chance"] == 1 / found.metrics["gallery"]
    assert {one["kind"] for one in table} == {
        *("arrow", "clock", "count", "flag", "hand", "person", "relation", "sign"),
    }
    assert found.sheet.startswith(to_png(np.zeros((1, 1, 3), np.uint8))[:8])


def test_no_caption_of_the_shipped_world_is_asked_for_and_trained_on() -> None:
    file = "part-00000-of-00001.parquet"
    rows = pq.read_table(WORLD / file, columns=["caption", "asked"]).to_pylist()
    trained = pq.read_table(WORLD.parent / "train" / file, columns=["caption"])["caption"]
    asked = {row["caption"] for row in rows if row["asked"] != "gallery"}
    assert len(asked) > 1000
    assert not asked & set(trained.to_pylist())
    gallery = [row["caption"] for row in rows if row["asked"] == "gallery"]
    assert len(gallery) == len(set(gallery)) == 3824


def small_world(folder: Path) -> str:
    """The shipped one with a gallery of few pictures, which takes a tenth of the time."""
    file = "part-00000-of-00001.parquet"
    table = pq.read_table(WORLD / file)
    asked = np.array(table["asked"].to_pylist())
    kept = (
        np.flatnonzero(asked != "gallery").tolist()
        + np.flatnonzero(asked == "gallery")[::40].tolist()
    )
    pq.write_table(table.take(sorted(kept)), folder / file)
    return str(folder)


def test_the_scorers_best_of_several_is_kept_with_its_score(tmp_path: Path) -> None:
    task = task_of_a_prior_that_knows_nothing(tmp_path)
    plain_config = ZeroShotConfig(world=small_world(tmp_path), num_captions=8)
    config = plain_config.model_copy(update={"best_of": 3})
    found = sample_held_out(task, config, ignore_steps)
    table = pq.read_table(pa.BufferReader(found.table)).to_pylist()
    plain = sample_held_out(task, plain_config, ignore_steps)
    first = pq.read_table(pa.BufferReader(plain.table)).to_pylist()
    for one, other in zip(table, first, strict=True):
        assert (one["number"] == 0) == (one["sample"] == other["sample"])
        image = from_stored(one["sample"])
        assert load_scorer("drawn").score([image], [one["caption"]])[0] == np.float32(one["score"])
        assert one["scores"][one["number"]] == one["score"] == max(one["scores"])
        assert one["are_right"][one["number"]] == one["is_right"]
    assert len({one["number"] for one in table}) > 1
    metrics = found.metrics
    assert metrics["score_best_of_3"] == pytest.approx(np.mean([one["score"] for one in table]))
    assert metrics["score_best_of_1"] < metrics["score_best_of_2"] < metrics["score_best_of_3"]
    assert metrics["rate_best_of_3"] == metrics["rate"]
    assert not [name for name in plain.metrics if "best_of" in name]
    (view,) = curves(config, metrics, "curve")
    assert view.steps == [1, 2, 3]
    assert view.lines["score"][-1] == metrics["score_best_of_3"]

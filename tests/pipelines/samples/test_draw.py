"""Images for captions of the training set, of a run that is written without running it."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.clip.registry import load_scorer
from dalle_model.pixels import from_stored, to_png
from dalle_model.prior.trained import save_prior
from dalle_model.progress import ignore_steps
from dalle_model.settings import PairChoice
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.io import parquet
from pipelines.io.task import StageTask
from pipelines.records import IMAGES, PRIOR, SELECTION, TOKENS
from pipelines.samples.config import SamplesConfig
from pipelines.samples.draw import SAMPLES_SCHEMA, Samples, sample_training_captions
from tests.support.drawing import random_trained
from tests.support.image_rows import noise
from tests.support.tasks import stage_task
from tests.support.token_shards import pair_rows, write_token_shard

SIDE, NUMBER = 64, 5


@pytest.fixture(scope="module")
def task(tmp_path_factory) -> StageTask:
    root: Path = tmp_path_factory.mktemp("run")
    rows = sorted(pair_rows(NUMBER, num_codes=1024, size=64), key=lambda row: row["key"])
    plain = stage_task(root, "samples")
    sizes = {"width": SIDE, "height": SIDE}
    images = [
        {"key": row["key"], "image": to_png(noise(n, SIDE, SIDE))} | sizes
        for n, row in enumerate(rows)
    ]
    kept = [{"key": row["key"], "url": "", "caption": ""} for row in rows]
    for role, table in ((IMAGES, images), (SELECTION, kept)):
        url = plain.input(role).part(0)
        files.write_bytes(url, parquet.to_bytes(pa.Table.from_pylist(table)))
    codec = inspect_codec("demo")
    shapes = {"image_shape": (SIDE, SIDE), "token_shape": (8, 8), "num_codes": 1024}
    shard = write_token_shard(
        root / "tokens" / "part-00000-of-00001.parquet",
        [row | {"crop": [0, 0, SIDE, SIDE]} for row in rows],
        **shapes,
        codec_sha256=codec.sha256,
    )
    url = str(root / "prior.safetensors")
    save_prior(url, replace(random_trained(), metrics={"choice": asdict(PairChoice())}))
    more = {TOKENS: (str(Path(shard).parent),), PRIOR: (url,)}
    return replace(plain, inputs={**plain.inputs, **more})


def rows_of(samples: Samples) -> list[dict[str, Any]]:
    return pq.read_table(pa.BufferReader(samples.table)).to_pylist()


def test_without_a_choice_there_are_no_scores(task) -> None:
    found = sample_training_captions(task, SamplesConfig(num_captions=3), ignore_steps)
    assert pq.read_schema(pa.BufferReader(found.table)).names == SAMPLES_SCHEMA.names
    assert (found.score.captions, found.gains) == (3, {})


def test_the_scorers_best_of_several_is_kept_with_its_score(task) -> None:
    first = rows_of(sample_training_captions(task, SamplesConfig(), ignore_steps))
    found = sample_training_captions(task, SamplesConfig(best_of=4), ignore_steps)
    rows = rows_of(found)
    assert len(rows) == NUMBER
    scorer = load_scorer("drawn")
    for row, other in zip(rows, first, strict=True):
        assert (row["number"] == 0) == (row["sample"] == other["sample"])
        assert row["score"] == max(row["scores"]) == row["scores"][row["number"]]
        image = from_stored(row["sample"])
        assert scorer.score([image], [row["caption"]])[0] == np.float32(row["score"])
        assert row["are_right"][row["number"]] == row["is_own"]
    assert found.gains["rate_best_of_4"] == found.score.rate
    assert found.gains["score_best_of_4"] == pytest.approx(np.mean([r["score"] for r in rows]))

import numpy as np
import pytest

from dalle_model import files
from dalle_model.pixels import to_png
from pipelines.io import parquet
from pipelines.io.finish import finish_shard
from pipelines.io.selections import surviving_rows
from pipelines.io.task import Stopwatch
from pipelines.quality.config import QualityConfig
from pipelines.quality.shard import score_shard
from pipelines.records import SELECTION
from tests.pipelines.quality.samples import portrait, texture
from tests.support.image_rows import row, write_images
from tests.support.results import whole

CONFIG = QualityConfig.model_validate({"plain": {}, "faces": {"max": 0}})
BLANK = to_png(np.full((64, 64, 3), 200, np.uint8))


def image(number: int, rgb_or_png, caption: int = 0):
    encoded = rgb_or_png if isinstance(rgb_or_png, bytes) else to_png(rgb_or_png)
    return row(number, caption, encoded) | {"sha256": files.sha256(encoded)}


def test_rows_are_kept_with_their_scores_or_dropped_with_their_reason(tmp_path):
    rows = [image(1, texture()), image(2, BLANK), image(3, portrait()), image(4, b"no png")]
    result = whole(score_shard(write_images(tmp_path, rows, "demo"), 0, CONFIG))
    assert result.rows_in == 4
    (kept,) = result.kept.to_pylist()
    assert (kept["key"], kept["faces"], kept["short_side"]) == (rows[0]["key"], 0, 30)
    found = [(r.key, r.reason, r.measured, r.threshold) for r in result.rejected]
    assert found == [
        (rows[1]["key"], "blank", 1, 0.98),
        (rows[2]["key"], "faces", 1, 0),
        (rows[3]["key"], "undecodable", None, None),
    ]


def test_an_image_of_several_captions_is_looked_at_once(tmp_path, monkeypatch):
    rows = [image(n, texture(n), caption) for n in (1, 2) for caption in range(3)]
    task = write_images(tmp_path, rows, "demo")
    seen = []
    judge = "pipelines.quality.judge.Judge.judge"

    def judged(_self, row):
        seen.append(row["key"])
        return {"faces": 0, "face_area": 0}

    monkeypatch.setattr(judge, judged)
    result = whole(score_shard(task, 0, QualityConfig.model_validate({"faces": {}})))
    assert seen == [rows[0]["key"], rows[3]["key"]]
    assert result.kept["key"].to_pylist() == [r["key"] for r in rows]


def test_what_another_filter_has_dropped_is_not_looked_at(tmp_path):
    rows = [image(1, texture(1)), image(2, texture(2))]
    task = write_images(tmp_path, rows, "demo", keep=rows[1:])
    result = whole(score_shard(task, 0, QualityConfig.model_validate({"plain": {}})))
    assert (result.rows_in, result.kept["key"].to_pylist()) == (1, [rows[1]["key"]])


@pytest.mark.parametrize("beside", [[], [2, 3], [3, 2, 4]])
def test_scores_depend_on_no_other_image(tmp_path, beside):
    config = QualityConfig.model_validate({"plain": {}, "nsfw": {}, "faces": {}, "text": {}})
    rows = [image(n, texture(n, 200 + n)) for n in beside] + [image(9, portrait())]
    result = whole(score_shard(write_images(tmp_path, rows, "demo"), 0, config))
    last = result.kept.slice(result.kept.num_rows - 1).to_pylist()[0]
    alone = write_images(tmp_path / "alone", [image(9, portrait())], "demo")
    assert last == whole(score_shard(alone, 0, config)).kept.to_pylist()[0]


def test_faces_that_are_to_be_blurred_are_so_for_whoever_reads_the_images(tmp_path):
    rows = [image(1, portrait()), image(2, texture())]
    task = write_images(tmp_path, rows, "demo")
    config = QualityConfig.model_validate({"faces": {"blur": True}})
    finish_shard(task, 0, score_shard(task, 0, config), Stopwatch())
    written = parquet.read_table(task.part(0))
    files.write_bytes(task.input(SELECTION).part(0), parquet.to_bytes(written))
    survivors = surviving_rows(task, 0).to_pylist()
    assert survivors[0]["image"] != rows[0]["image"]
    assert survivors[1]["image"] == rows[1]["image"]
    files.write_bytes(
        task.input(SELECTION).part(0), parquet.to_bytes(written.drop_columns(["blurred"]))
    )
    assert surviving_rows(task, 0)["image"].to_pylist() == [r["image"] for r in rows]

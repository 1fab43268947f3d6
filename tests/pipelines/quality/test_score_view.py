import pyarrow as pa
import pytest

from dalle_model import files
from pipelines.io import parquet
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest
from pipelines.quality.config import QualityConfig, schema
from pipelines.quality.score_view import score_views
from pipelines.rejection import REJECTION_SCHEMA

CONFIG = QualityConfig.model_validate({"nsfw": {"max": 0.5}, "faces": {"blur": True}})


@pytest.fixture
def folder(tmp_path):
    return RunFolder(str(tmp_path), 1).stage("quality")


def manifest(folder, scores, dropped) -> Manifest:
    blank = {"url": "", "caption": "", "faces": 2, "face_area": 0.5, "blurred": []}
    kept = [blank | {"key": f"{n}", "nsfw": score} for n, score in enumerate(scores)]
    gone = [
        {"key": "x", "url": "", "caption": "", "stage": "quality", "reason": reason, "measured": m,
         "threshold": 0.5, "detail": ""} for reason, m in dropped
    ]  # fmt: skip
    entries = []
    for url, rows, columns in (
        (folder.part(0), kept, schema(CONFIG)),
        (folder.rejected(0), gone, REJECTION_SCHEMA),
    ):
        files.write_bytes(url, parquet.to_bytes(pa.Table.from_pylist(rows, schema=columns)))
        entries.append({"name": url.removeprefix(f"{folder.url}/")})
    rows_in = len(kept) + len(gone)
    return Manifest(
        "quality", "f", {}, {}, {}, files=entries[:1], rejected_files=entries[1:], rows_in=rows_in
    )


def test_each_number_has_a_histogram_of_what_is_kept_and_dropped(folder):
    made = manifest(folder, [0.0, 0.0, 0.4], [("nsfw", 0.8), ("scorer_failed", None)])
    nsfw, faces, area = score_views(folder, made, CONFIG)
    assert (nsfw.title, faces.title, area.title) == (
        "nsfw: nsfw",
        "faces: faces",
        "faces: face_area",
    )
    assert nsfw.about == "1 rows above the limit of 0.5 are dropped as nsfw."
    assert (sum(nsfw.lines["kept"]), sum(nsfw.lines["dropped"])) == (3, 1)
    assert nsfw.lines["kept"][0] == 2
    assert nsfw.lines["dropped"][-1] == 1
    assert nsfw.steps[0] == pytest.approx(0.01)
    assert faces.about == "No limit is set."
    assert sum(faces.lines["kept"]) == 3
    assert "dropped" not in faces.lines


def test_a_run_without_rows_shows_nothing(folder):
    assert list(score_views(folder, manifest(folder, [], []), CONFIG)) == []


def test_a_run_that_has_dropped_every_row_shows_those(folder):
    (nsfw,) = score_views(folder, manifest(folder, [], [("nsfw", 0.8)]), CONFIG)
    assert nsfw.lines == {"kept": [0] * 40, "dropped": [1] + [0] * 39}

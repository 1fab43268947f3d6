"""What a report shows of a run's images."""

from itertools import islice

import pytest

from orchestration.report import views
from orchestration.report.views import report_view
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.views import Gallery
from tests.support.finished_run import NUM_SHARDS, image_row, write_run

ROWS = [image_row(n) for n in range(24)]
FIRST_SHARD = sorted(
    (row for row in ROWS if shard_of(row["key"], NUM_SHARDS) == 0), key=lambda row: row["key"]
)


@pytest.mark.parametrize("group_rows", [1, 3, 4096])
@pytest.mark.parametrize("most", [1, 5, 48])
def test_the_first_images_that_survived_are_shown_whatever_row_groups_they_are_in(
    tmp_path, monkeypatch, group_rows, most
):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", group_rows)
    monkeypatch.setattr(views, "KEPT_IMAGES", most)
    dropped = FIRST_SHARD[:4]  # the first row groups keep nothing
    (gallery,) = report_view(str(write_run(tmp_path / "run", ROWS, dropped))).views
    assert isinstance(gallery, Gallery)
    expected = [(r["caption"], {"": r["image"]}) for r in islice(FIRST_SHARD, 4, 4 + most)]
    assert len(expected) == min(most, len(FIRST_SHARD) - 4) > 0
    assert [(item.caption, item.images) for item in gallery.items] == expected

import numpy as np
import pyarrow.parquet as pq
import pytest

import dalle
from dalle_model.errors import UsageError
from tests.support.recipes import slow_datacomp
from tests.support.recipes.metadata import metadata

TABLE = metadata(600, ["a", "dog", "on", "the", "beach"])


def test_a_list_is_written_and_told(tmp_path):
    pq.write_table(TABLE, tmp_path / "t.parquet")
    out = str(tmp_path / "uids.npy")
    found = dalle.keep([str(tmp_path)], out, recipe="datacomp_clip", settings={"fraction": "0.1"})
    assert np.load(out).tolist() == slow_datacomp.top(TABLE, "clip_l14_similarity_score", 0.1)
    assert str(found).splitlines()[0].startswith(f"{out}: {found.rows_kept:,} of 600 rows")
    assert found.dropped == {"low_score": 600 - found.rows_kept}


def test_a_wrong_recipe_or_setting_is_named(tmp_path):
    pq.write_table(TABLE, tmp_path / "t.parquet")
    for recipe, settings, message in (
        ("datacomp_clop", {}, "did you mean 'datacomp_clip'"),
        ("datacomp_clip", {"fraktion": 0.1}, "fraktion: Extra inputs"),
        ("", {"fraction": 0.1}, "settings without a recipe"),
    ):
        with pytest.raises(UsageError, match=message):
            dalle.keep([str(tmp_path)], str(tmp_path / "u.npy"), recipe=recipe, settings=settings)
    assert not (tmp_path / "u.npy").exists()

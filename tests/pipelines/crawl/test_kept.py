"""Rows that are not in a keep list are left out, each as a rejection with its reason."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.crawl.config import CrawlConfig, dependencies, fingerprint_config
from pipelines.crawl.inputs import read_input
from pipelines.crawl.kept import NOT_IN_KEEP_LIST
from pipelines.crawl.section import CrawlSection
from pipelines.crawl.sources import InputFile
from pipelines.crawl.stage import STAGE
from pipelines.io.uids import in_order, uids_of, write_uids
from pipelines.records import Candidate
from pipelines.rejection import Rejection

UIDS = [f"{number:032x}" for number in range(20)]


def config(tmp_path, **settings: object) -> CrawlConfig:
    table = {"url": [f"http://a.test/{n}.jpg" for n in range(20)], "text": ["a dog"] * 20}
    pq.write_table(pa.table(table | {"uid": [*UIDS[:-1], None]}), tmp_path / "t.parquet")
    write_uids(str(tmp_path / "uids.npy"), in_order([uids_of(pa.array(UIDS[::3]))]))
    sources = [{"path": str(tmp_path / "t.parquet"), "carry": ["uid"]}]
    return CrawlSection(**{"sources": sources, "keep": str(tmp_path / "uids.npy")} | settings)  # type: ignore[arg-type]


def test_only_rows_of_the_list_become_candidates(tmp_path):
    chosen = config(tmp_path)
    file = InputFile(str(tmp_path / "t.parquet"), "table")
    rows = list(read_input(file, chosen.sources[0], chosen))
    kept = [row for row in rows if isinstance(row, Candidate)]
    assert [row.url for row in kept] == [f"http://a.test/{n}.jpg" for n in range(0, 19, 3)]
    left_out = [row for row in rows if isinstance(row, Rejection)]
    assert len(kept) + len(left_out) == 20
    assert {row.reason for row in left_out} == {NOT_IN_KEEP_LIST} == set(STAGE.unasked)
    assert [row.detail for row in left_out][:2] == UIDS[1:3]
    assert left_out[-1].detail == "without a uid"


def test_every_source_has_to_carry_ids(tmp_path):
    with pytest.raises(ValidationError, match=r"add `carry: \[uid\]` to crawl.sources\[1\]"):
        config(tmp_path, sources=[{"path": "a", "carry": ["uid"]}, {"path": "b"}])
    with pytest.raises(ValidationError, match="which the images of sites lack"):
        config(tmp_path, sites=[{"start": ["http://a.test/"]}])


def test_a_list_counts_by_its_content(tmp_path):
    chosen = config(tmp_path)
    before = dependencies(chosen)["keep"]
    assert "keep" not in fingerprint_config(chosen)
    assert "keep" not in dependencies(config(tmp_path, keep=""))
    assert STAGE.relocate(config(tmp_path, keep="u.npy"), "/conf").keep == "/conf/u.npy"
    np.save(tmp_path / "uids.npy", np.load(tmp_path / "uids.npy")[:2])
    assert dependencies(chosen)["keep"] != before

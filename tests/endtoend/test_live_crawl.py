"""A live crawl of the small web's pages finds what reading its archive finds."""

import json

import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from tests.support.commands import dalle

pytestmark = pytest.mark.slow


def pages(archive) -> list[str]:
    with archive.open("rb") as stream:
        records = ArchiveIterator(stream, record_types=WarcRecordType.response)
        return sorted(
            record.headers["WARC-Target-URI"]
            for record in records
            if record.http_headers.status_code == 200 and record.http_content_type == "text/html"
        )


def rows(root):
    """Kept rows and rejections, links that lead to further pages apart."""
    shards = sorted((root / "crawl").glob("**/part-*.parquet"))
    found = [row for shard in shards for row in pq.read_table(shard).to_pylist()]
    return [row for row in found if row.get("reason") not in {"over_depth", "excluded"}]


def test_pages_give_the_same_rows_live_as_from_an_archive(web, undisturbed, tmp_path):
    site = {"start": pages(web), "name": "small", "max_depth": 0, "delay_s": 0}
    config = {
        "num_shards": 3,
        "crawl": {"sites": [site]},
        "replay": {"archive": str(web), "hosts": ".demo.test"},
    }
    path = tmp_path / "live.yaml"
    path.write_text(json.dumps(config))
    dalle("run", "crawl", "--config", path, "--dir", tmp_path / "run")
    assert rows(tmp_path / "run") == rows(undisturbed)
    again = dalle("run", "crawl", "--config", path, "--dir", tmp_path / "run")
    assert "nothing to do" in again.stderr
    dalle("verify", "--dir", tmp_path / "run")

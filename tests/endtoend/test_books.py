"""`dalle run crawl` on generated sources: its manifest accounts for all that was put in."""

from collections import Counter
from pathlib import Path

import pytest

from dalle_model.files import read_json
from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.sources import Source
from tests.support.commands import dalle
from tests.support.odd_archives import odd_archive
from tests.support.odd_sources import LIMIT, odd_folder, odd_tar
from tests.support.odd_tables import odd_table

pytestmark = pytest.mark.slow
SEEDS = range(1000, 1012)


def put_in(folder: Path) -> tuple[int, Counter[str]]:
    """Write sources of every kind; how many rows and rejections they must give, and what else."""
    told, passed_over = 0, Counter[str]()
    for seed in SEEDS:
        table = odd_table(seed)
        path = folder / f"table-{seed}" / table.name
        path.parent.mkdir()
        path.write_bytes(table.content)
        expected = odd_folder(folder / f"folder-{seed}", seed)
        content, of_tar = odd_tar(seed)
        expected.add(of_tar)
        path = folder / f"tar-{seed}" / "odd.tar"
        path.parent.mkdir()
        path.write_bytes(content)
        archive = odd_archive(seed)
        path = folder / f"archive-{seed}" / ("odd.wacz" if archive.is_zip else "odd.warc")
        path.parent.mkdir()
        path.write_bytes(archive.content)
        told += len(table.entries) + expected.kept.total() + expected.rejected.total()
        told += num_told(path)
        passed_over += expected.passed_over + archive.passed_over
    return told, passed_over


def num_told(path: Path) -> int:
    """Images of the pages of an archive, and its bad records: how many `odd_archives.py` tests."""
    config = CrawlConfig(sources=(Source(path=str(path)),))
    ((file, source),) = inputs(config)
    return sum(not isinstance(row, PassedOver) for row in read_input(file, source, config))


def test_the_books_of_a_run_close_over_all_that_was_put_in(tmp_path):
    (tmp_path / "in").mkdir()
    told, passed_over = put_in(tmp_path / "in")
    paths = sorted(path.name for path in (tmp_path / "in").iterdir())
    sources = "".join(f"    - path: in/{name}\n" for name in paths)
    config = tmp_path / "dalle.yaml"
    config.write_text(f"num_shards: 3\ncrawl:\n  max_image_bytes: {LIMIT}\n  sources:\n{sources}")
    result = dalle("run", "crawl", "--config", config, "--dir", tmp_path / "run")
    manifest = read_json(f"{tmp_path}/run/crawl/manifest.json")
    assert manifest["rows_in"] == told
    assert manifest["rows_out"] + sum(manifest["rejected"].values()) == told
    assert manifest["passed_over"] == passed_over
    assert (
        f"{passed_over.most_common(1)[0][1]:,} {passed_over.most_common(1)[0][0]}" in result.stderr
    )

import io

import pytest

from dalle_model import files
from pipelines.crawl.config import CrawlConfig, inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.streams import UnreadableInputError
from pipelines.records import Candidate
from tests.support.archives import flip, gzip_records, http_record


def _rows(*sources: Source):
    config = CrawlConfig(sources=sources)
    return [row for file, source in inputs(config) for row in read_input(file, source, config)]


def test_the_same_pair_has_one_key_in_every_kind_of_input(tmp_path):
    html = b'<img src="../a.jpg" alt="a red barn">'
    (tmp_path / "site" / "dir").mkdir(parents=True)
    (tmp_path / "site" / "dir" / "p.html").write_bytes(html)
    (tmp_path / "w.warc").write_bytes(http_record("http://site.test/dir/p.html", html))
    (tmp_path / "t.tsv").write_text("a red barn\thttp://SITE.test:80/a.jpg\n")
    rows = _rows(
        Source(path=f"{tmp_path}/site", base_url="http://site.test/"),
        Source(path=f"{tmp_path}/w.warc"),
        Source(path=f"{tmp_path}/t.tsv"),
    )
    assert len(rows) == 3
    assert all(isinstance(row, Candidate) for row in rows)
    assert len({row.key for row in rows}) == 1
    assert [row.page_url for row in rows] == ["http://site.test/dir/p.html", "", rows[0].page_url]


def test_damage_is_logged_with_its_file_which_no_row_names(tmp_path, caplog):
    members = gzip_records(
        http_record(f"http://site.test/{n}", b"<img src=a alt=b>") for n in range(2)
    )
    path = tmp_path / "w.warc.gz"
    path.write_bytes(members[0] + flip(members[1], 40))
    rows = _rows(Source(path=str(path)))
    assert len(rows) == 2
    assert f"{path}: 1 rows dropped unread: bad_record" in caplog.text
    assert str(tmp_path) not in repr(rows)


def test_a_file_that_is_gone_is_an_error_not_a_rejection(tmp_path):
    file, source = InputFile(f"{tmp_path}/gone.warc", "warc"), Source(path="gone.warc")
    with pytest.raises(UnreadableInputError, match=r"gone\.warc cannot be opened"):
        list(read_input(file, source, CrawlConfig(sources=(source,))))


@pytest.mark.parametrize("kind", ["warc", "html", "table"])
def test_a_failing_disk_is_an_error_not_a_rejection(monkeypatch, kind):
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection reset")

    monkeypatch.setattr(files, "open_read", lambda _location: Failing())
    file, source = InputFile("s3://bucket/x", kind), Source(path="x")
    with pytest.raises(UnreadableInputError, match="connection reset"):
        list(read_input(file, source, CrawlConfig(sources=(source,))))

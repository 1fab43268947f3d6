import gzip
import io
import tarfile

import fsspec
import pytest

from pipelines.crawl import splits, streams
from pipelines.crawl.blobs import CandidateRef, InlineImage, load, spill
from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import inputs, resolve
from pipelines.crawl.images import tars
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.streams import UnreadableInputError
from pipelines.crawl.tables.columns import ColumnError
from pipelines.records import Candidate
from pipelines.rejection import Rejection
from tests.support.archives import flip, gzip_records, http_record, wat_record
from tests.support.sources import (
    samples,
    tar_of,
    write_hf_parquet,
    write_image_folder,
    write_webdataset_tar,
)

RECORDS = [http_record(f"http://site.test/{n}", b"<p>") for n in range(12)]


def _rows(*sources: Source):
    config = CrawlConfig(sources=sources)
    return [row for file, source in inputs(config) for row in read_input(file, source, config)]


def test_the_same_pair_has_one_key_in_every_kind_of_input(tmp_path):
    html = b'<img src="../a.jpg" alt="a red barn">'
    (tmp_path / "site" / "dir").mkdir(parents=True)
    (tmp_path / "site" / "dir" / "p.html").write_bytes(html)
    (tmp_path / "w.warc").write_bytes(http_record("http://site.test/dir/p.html", html))
    link = {"path": "IMG@/src", "url": "../a.jpg", "alt": "a red barn"}
    (tmp_path / "w.warc.wat").write_bytes(
        wat_record("http://site.test/dir/p.html", {"Links": [link]})
    )
    (tmp_path / "t.tsv").write_text("a red barn\thttp://SITE.test:80/a.jpg\n")
    rows = _rows(
        Source(path=f"{tmp_path}/site", base_url="http://site.test/"),
        Source(path=f"{tmp_path}/w.warc"),
        Source(path=f"{tmp_path}/w.warc.wat"),
        Source(path=f"{tmp_path}/t.tsv"),
    )
    assert len(rows) == 4
    assert all(isinstance(row, Candidate) for row in rows)
    assert len({row.key for row in rows}) == 1
    assert sorted(row.page_url for row in rows) == ["", *["http://site.test/dir/p.html"] * 3]


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


@pytest.mark.parametrize("kind", ["warc", "wat", "html", "table", "tar"])
def test_a_failing_disk_is_an_error_not_a_rejection(monkeypatch, kind):
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("connection reset")

    monkeypatch.setattr(streams, "open_in_ranges", lambda _location: Failing())
    file, source = InputFile("s3://bucket/x", kind), Source(path="x")
    with pytest.raises(UnreadableInputError, match="connection reset"):
        list(read_input(file, source, CrawlConfig(sources=(source,))))


def test_an_error_about_columns_names_the_source_of_the_config(tmp_path):
    (tmp_path / "t.csv").write_text("url,text,alt\nx,y,z\n")
    (tmp_path / "u.csv").write_text("url,text\nx,y\n")
    with pytest.raises(ColumnError, match=r"crawl\.sources\[1\]: .*'text' and 'alt'"):
        _rows(Source(path=f"{tmp_path}/u.csv"), Source(path=f"{tmp_path}/t.csv"))


def test_the_same_image_is_the_same_row_in_every_source_that_holds_it(tmp_path):
    pairs = samples(4)
    write_webdataset_tar(tmp_path / "a.tar", pairs)
    write_webdataset_tar(tmp_path / "b.tar.gz", pairs)
    write_image_folder(tmp_path / "photos", pairs)
    write_hf_parquet(tmp_path / "hf.parquet", pairs)
    keys = []
    for name in ("a.tar", "b.tar.gz", "photos", "hf.parquet"):
        rows = _rows(Source(path=f"{tmp_path}/{name}"))
        assert all(isinstance(row, InlineImage | PassedOver) for row in rows)  # `.cls` members
        found = [row.candidate for row in rows if isinstance(row, InlineImage)]
        keys.append(sorted((row.key, row.url) for row in found))
    assert keys == [keys[0]] * 4
    assert all(url.startswith("urn:sha256:") for _, url in keys[0])


@pytest.fixture
def memory():
    """An object store; its folder `crawl-parts` is emptied afterwards."""
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/crawl-parts", recursive=True)


@pytest.mark.parametrize(
    ("name", "content", "num_parts"),
    [
        ("a.tsv", b"a\thttp://site.test/a.jpg\n" * 40, 10),
        ("a.warc.gz", b"".join(gzip_records(RECORDS)), 10),
        ("a.warc", b"".join(RECORDS), 4),  # each part walks over all before it
        ("whole.warc.gz", gzip.compress(b"".join(RECORDS), 0), 4),
        ("a.tar", tar_of([(f"{n}.txt", b"text") for n in range(20)], tarfile.PAX_FORMAT), 4),
    ],
)
def test_an_object_is_read_in_parts_as_a_file_is(
    memory, tmp_path, monkeypatch, name, content, num_parts
):
    for module, constant in ((splits, "SPLIT_BYTES"), (tars, "TAR_SPLIT_BYTES")):
        monkeypatch.setattr(module, constant, -(-len(content) // 10))
    memory.pipe(f"/crawl-parts/{name}", content)
    (tmp_path / name).write_bytes(content)
    for path, expected in ((f"memory://crawl-parts/{name}", num_parts), (f"{tmp_path}/{name}", 10)):
        extent = input_extent(resolve(Source(path=path), "k")[0])
        assert extent.size == len(content)
        assert len(range(0, extent.size, extent.step)) == expected


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.parquet", "a.tar.gz", "a.warc"])
def test_a_part_behind_the_end_of_an_input_is_empty(tmp_path, name):
    """A runner may split a part at any position."""
    (tmp_path / name).write_bytes(gzip.compress(b"x\ty\n") if name.endswith("gz") else b"PAR1")
    source = Source(path=f"{tmp_path}/{name}")
    (file,) = resolve(source, "k")
    rows = read_input(file, source, CrawlConfig(sources=(source,)), 100, lambda _: False)
    assert list(rows) == []


def test_an_object_that_is_gone_is_an_error(memory):
    memory.pipe("/crawl-parts/a.tsv", b"")
    with pytest.raises(UnreadableInputError, match=r"gone\.tsv cannot be opened"):
        input_extent(InputFile("memory://crawl-parts/gone.tsv", "table"))


def test_images_in_an_object_store(memory, tmp_path):
    pairs = samples(4)
    tar = write_webdataset_tar(tmp_path / "a.tar", pairs[:2]).read_bytes()
    memory.pipe("/crawl-parts/in/a.tar", tar)
    for name in ("b", "c"):
        memory.pipe(f"/crawl-parts/in/photos/{name}.png", name.encode())
    memory.pipe("/crawl-parts/in/photos/metadata.csv", b"file_name,text\nb.png,B\nd.png,D\n")
    rows = _rows(Source(path="memory://crawl-parts/in"))
    assert [row.reason for row in rows if isinstance(row, Rejection)] == [
        "no_picture",
        "no_caption",
    ]
    refs = [
        row for row in spill(rows, "memory://crawl-parts/spilled") if isinstance(row, CandidateRef)
    ]
    found = {row["encoded"] for row in load(refs)}
    assert found == {pairs[0].encoded, pairs[1].encoded, b"b"}

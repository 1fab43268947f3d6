import gzip
import io
import json
import tarfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl import splits, streams
from pipelines.crawl.blobs import CandidateRef, load, spill
from pipelines.crawl.books import PassedOver
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import inputs, resolve
from pipelines.crawl.images import tars
from pipelines.crawl.images.image import InlineImage
from pipelines.crawl.inputs import input_extent, read_input
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.stored import StoredImage
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


def _carrying(path: str, carry: object) -> Source:
    return Source.model_validate({"path": path, "carry": carry})


def _images(*sources: Source) -> dict[str, str]:
    """What is carried, by the names of images."""
    rows = _rows(*sources)
    assert not [row for row in rows if isinstance(row, Rejection)]
    found = [row.candidate for row in rows if isinstance(row, InlineImage)]
    return {candidate.name: candidate.carried for candidate in found}


def test_an_image_has_the_path_that_it_has_within_its_source(tmp_path):
    write_image_folder(tmp_path / "photos", samples(2), "txt")
    (tmp_path / "tars" / "a").mkdir(parents=True)
    write_webdataset_tar(tmp_path / "tars" / "a" / "x.tar", samples(1))
    assert set(_images(Source(path=f"{tmp_path}/photos"))) == {"a/0.png", "b/1.png"}
    assert set(_images(Source(path=f"{tmp_path}/photos/a/"))) == {"0.png"}
    assert set(_images(Source(path=f"{tmp_path}/photos/a/0.png"))) == {"0.png"}
    assert set(_images(Source(path=f"{tmp_path}/*/b/*.png"))) == {"photos/b/1.png"}
    assert set(_images(Source(path=f"{tmp_path}/tars"))) == {"a/x.tar!000000"}


def test_a_sample_of_a_tar_is_named_by_its_key_and_a_date_is_no_key(tmp_path):
    members = [("s/7.image.png", b"one"), ("s/7.caption.txt", b"one"),
               ("2024.05.01 b.png", b"two"), ("2024.05.01 b.txt", b"two"),
               ("\udcff.png", b"three"), ("\udcff.txt", b"three")]  # fmt: skip
    (tmp_path / "x.tar").write_bytes(tar_of(members))
    names = {"x.tar!s/7", "x.tar!2024.05.01 b", r"x.tar!\udcff"}
    assert set(_images(Source(path=f"{tmp_path}/x.tar"))) == names


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/cat.png", "a/cat.png"), (None, "1"), ("", "1"), ("/home/me/cat.png", "1"),
     (r"C:\cat.png", "1"), ("../cat.png", "1"), ("https://site.test/cat.png", "1"), ("a\nb", "1")],
)  # fmt: skip
def test_an_image_of_a_table_has_its_own_path_unless_that_is_one_of_a_machine(tmp_path, path, name):
    images = [{"bytes": b"0", "path": "0.png"}, {"bytes": b"1", "path": path}]
    table = pa.table({"image": images, "caption": ["none", "one"]})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=1)
    names = _images(Source(path=f"{tmp_path}/t.parquet"))
    assert set(names) == {"t.parquet!0.png", f"t.parquet!{name}"}


def test_a_name_of_any_length_has_an_end(tmp_path):
    members = [("d/" * 2000 + "cat.png", b"one"), ("d/" * 2000 + "cat.txt", b"one")]
    (tmp_path / "x.tar").write_bytes(tar_of(members, tarfile.PAX_FORMAT))
    (name,) = _images(Source(path=f"{tmp_path}/x.tar"))
    assert len(name) == 1024
    assert (name[0], name[-6:]) == ("…", "/d/cat")


def test_values_are_carried_from_wherever_a_source_has_them(tmp_path):
    carry = {"id": "text", "cls": "integer"}
    folder = tmp_path / "photos"
    write_image_folder(folder, samples(1), "txt")
    image = folder / "a" / "0.png"
    image.with_suffix(".json").write_text('{"ID": 7, "cls": 3, "other": 1}')
    assert set(_images(_carrying(str(folder), carry)).values()) == {'{"cls":3,"id":7}'}
    image.with_suffix(".json").write_text('{"cls": 3}')
    (folder / "metadata.csv").write_text("file_name,text,id,cls\na/0.png,a,x9,4\n")
    assert set(_images(_carrying(str(folder), carry)).values()) == {'{"cls":3,"id":"x9"}'}
    image.with_suffix(".json").unlink()
    image.with_suffix(".txt").unlink()
    assert set(_images(_carrying(str(folder), carry)).values()) == {'{"cls":"4","id":"x9"}'}
    write_webdataset_tar(tmp_path / "x.tar", samples(2))
    assert set(_images(_carrying(f"{tmp_path}/x.tar", ["cls"])).values()) == {'{"cls":"0"}'}


def test_values_that_are_not_there_or_cannot_be_carried_are_counted(tmp_path):
    members = [("0.png", b"one"), ("0.txt", b"one"), ("0.cls", b"x" * 10_000),
               ("1.png", b"two"), ("1.txt", b"two"), ("1.cls", b"\xff"),
               ("2.png", b"six"), ("2.txt", b"six")]  # fmt: skip
    (tmp_path / "x.tar").write_bytes(tar_of(members))
    rows = _rows(_carrying(f"{tmp_path}/x.tar", ["cls"]))
    assert Counter(row for row in rows if isinstance(row, PassedOver)) == {
        PassedOver("values of `cls` that cannot be carried"): 2,
        PassedOver("images without `cls` to carry"): 1,
    }
    assert {row.candidate.carried for row in rows if isinstance(row, InlineImage)} == {""}


def _tables(folder: Path) -> dict[str, Callable[[], object]]:
    row = {"url": "http://site.test/a.png", "caption": "a", "Score": 0.25, "tags": ["x"]}
    return {
        "t.parquet": lambda: pq.write_table(pa.Table.from_pylist([row]), folder / "t.parquet"),
        "t.jsonl": lambda: (folder / "t.jsonl").write_text(json.dumps(row)),
        "t.csv": lambda: (folder / "t.csv").write_text(
            "url,caption,Score,tags\nhttp://site.test/a.png,a,0.25,"
        ),
    }


@pytest.mark.parametrize("kind", ["t.parquet", "t.jsonl", "t.csv"])
def test_a_table_of_urls_carries_its_columns_whatever_their_case(tmp_path, kind):
    _tables(tmp_path)[kind]()
    rows = _rows(_carrying(f"{tmp_path}/{kind}", ["score", "tags"]))
    values = '{"score":"0.25"}' if kind == "t.csv" else '{"score":0.25}'
    assert [row.carried for row in rows if isinstance(row, Candidate)] == [values]
    counted = [] if kind == "t.csv" else [PassedOver("values of `tags` that cannot be carried")]
    assert [row for row in rows if isinstance(row, PassedOver)] == counted


@pytest.mark.parametrize("kind", ["t.parquet", "t.jsonl", "t.csv"])
def test_a_column_that_a_table_lacks_is_an_error_that_names_the_others(tmp_path, kind):
    _tables(tmp_path)[kind]()
    expected = (
        rf"crawl.sources\[0\]: .*{kind} has no column 'skore'; did you mean 'Score'\? its columns "
        r"are url, caption, Score, tags; correct `carry` of this source"
    )
    with pytest.raises(ColumnError, match=expected):
        _rows(_carrying(f"{tmp_path}/{kind}", ["skore"]))


def test_a_table_without_names_of_columns_carries_nothing(tmp_path):
    (tmp_path / "t.tsv").write_text("a red barn\thttp://site.test/a.jpg\n")
    with pytest.raises(ColumnError, match="its columns have no names; leave out `carry`"):
        _rows(_carrying(f"{tmp_path}/t.tsv", ["id"]))


def _uncaptioned(folder, name):
    """A source of each kind without any caption: an image each, or two."""
    path, (image, other) = folder / name, (sample.encoded for sample in samples(2))
    if name == "photos":
        path.mkdir()
        (path / "a.png").write_bytes(image)
        (path / "b.png").write_bytes(other)
    elif name == "listed":
        path.mkdir()
        (path / "a.png").write_bytes(image)
        (path / "metadata.csv").write_text("file_name,label\na.png,3\n")
    elif name == "classes.tar":
        path.write_bytes(tar_of([("0.png", image), ("0.cls", b"7"), ("1.png", other)]))
    elif name == "images.parquet":
        pq.write_table(pa.table({"image": [image, other], "label": [1, 2]}), path)
    elif name == "links.csv":
        path.write_text("id,url\n1,http://site.test/a.jpg\n")
    elif name == "links.txt.jsonl":
        path.write_text('{"url": "http://site.test/a.jpg", "id": 1}\n')
    else:
        path.write_bytes(http_record("http://site.test/p", b"<img src=a.jpg><img src=b.jpg alt>"))
    return Source(path=str(path))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *[("photos", 2), ("listed", 1), ("classes.tar", 2), ("images.parquet", 2)],
        *[("links.csv", 1), ("links.txt.jsonl", 1), ("pages.warc", 2)],
    ],
)
def test_images_without_captions_are_rows_of_every_kind_of_source(tmp_path, name, count):
    source = _uncaptioned(tmp_path, name)
    config = CrawlConfig(sources=(source,), min_caption_chars=0)
    rows = [row for file, _ in inputs(config) for row in read_input(file, source, config)]
    found = [getattr(row, "candidate", row) for row in rows if not isinstance(row, PassedOver)]
    assert len(found) == count
    assert all(isinstance(row, Candidate) and row.caption == "" for row in found)


@pytest.mark.parametrize("is_taken", [True, False])
def test_images_beside_pages_are_taken_unless_they_are_to_be_fetched(tmp_path, is_taken):
    page = http_record("http://site.test/p", b"<img src=a.png alt='a red barn'>")
    image = http_record("http://site.test/a.png", samples(1)[0].encoded, "image/png")
    (tmp_path / "x.warc").write_bytes(page + image)
    source = Source(path=f"{tmp_path}/x.warc")
    config = CrawlConfig(sources=(source,), takes_stored_images=is_taken)
    rows = [row for file, _ in inputs(config) for row in read_input(file, source, config)]
    assert [row.url for row in rows if isinstance(row, Candidate)] == ["http://site.test/a.png"]
    assert sum(isinstance(row, StoredImage) for row in rows) == is_taken

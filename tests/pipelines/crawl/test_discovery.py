import os

import pytest

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.discovery import MissingInputError, discover, locations, resolve
from pipelines.crawl.sources import InputFile, Source


@pytest.fixture
def folder(tmp_path):
    for name in (
        "b.warc.gz",
        "a/p 1#.HTML",
        "a/t.tsv",
        "a/.hidden.tsv",
        "notes.txt",
        "t.parquet",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def test_a_folder_is_searched_to_the_bottom_for_known_kinds(folder):
    files = resolve(Source(path=str(folder)), "crawl.sources[0]")
    assert [(f.location.removeprefix(f"{folder}/"), f.kind) for f in files] == [
        ("a/p 1#.HTML", "html"),
        ("a/t.tsv", "table"),
        ("b.warc.gz", "warc"),
        ("t.parquet", "table"),
    ]


def test_a_glob_and_a_file(folder):
    assert len(resolve(Source(path=f"{folder}/*"), "k")) == 2
    assert len(resolve(Source(path=f"{folder}/**/*.tsv"), "k")) == 1
    (file,) = resolve(Source(path=f"{folder}/notes.txt", kind="table"), "k")
    assert file == InputFile(f"{folder}/notes.txt", "table")


def test_urls_of_other_file_systems_stay_urls():
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe("/crawl-test/a.tsv", b"")
    try:
        for path in ("memory://crawl-test", "memory://crawl-test/*.tsv"):
            (file,) = resolve(Source(path=path), "k")
            assert file.location.startswith("memory://")
            assert memory.exists(file.location)
    finally:
        memory.rm("/crawl-test", recursive=True)


def test_html_files_get_their_address_from_the_base_url(folder):
    source = Source(path=str(folder), base_url="https://site.test/docs/")
    pages = [f.page_url for f in resolve(source, "k") if f.kind == "html"]
    assert pages == ["https://site.test/docs/a/p%201%23.HTML"]


@pytest.mark.parametrize("name", ["gone.warc", "gone/", "*.jpg", "notes.txt"])
def test_a_missing_input_names_the_path_and_the_key(folder, name):
    config = CrawlConfig(
        sources=(Source(path=f"{folder}/t.parquet"), Source(path=f"{folder}/{name}"))
    )
    with pytest.raises(MissingInputError, match=r"crawl\.sources\[1\]\.path") as caught:
        locations(config)
    assert name in str(caught.value)


def test_locations_are_sorted_and_each_named_once(folder):
    config = CrawlConfig(
        sources=(Source(path=f"{folder}/t.parquet"), Source(path=str(folder), name="all"))
    )
    found = locations(config)
    assert found == sorted(set(found))
    assert len(found) == 4


def test_a_name_that_exists_is_no_glob(tmp_path):
    for name in ("pairs [2020].tsv", "what?/a.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
        (file,) = resolve(Source(path=str(tmp_path / name)), "k")
        assert file.location == str(tmp_path / name)


def test_a_kind_chooses_among_the_files_of_a_folder(tmp_path):
    for name in ("index.html", "page.php", "a.JPG", "t.tsv"):
        (tmp_path / name).write_bytes(b"")
    source = Source(path=str(tmp_path), kind="html")
    found = [file.name for file in resolve(source, "k")]
    assert found == ["index.html", "page.php"]
    (book,) = discover(CrawlConfig(sources=(source,))).books
    assert book.passed_over == {".jpg files": 1, ".tsv files": 1}
    (file,) = resolve(Source(path=f"{tmp_path}/*.tsv", kind="html"), "k")  # as it was chosen
    assert (file.name, file.kind) == ("t.tsv", "html")


def test_what_is_no_file_is_counted(folder):
    (folder / "broken.tsv").symlink_to(folder / "gone.tsv")
    os.mkfifo(folder / "pipe.tsv")
    found = [file.location for file in resolve(Source(path=str(folder)), "k")]
    assert not any(location.endswith(("broken.tsv", "pipe.tsv")) for location in found)
    (book,) = discover(CrawlConfig(sources=(Source(path=str(folder)),))).books
    assert book.passed_over == {
        ".txt files": 1, "hidden files": 1, "links to nothing": 1, "pipes, sockets and devices": 1,
    }  # fmt: skip
    with pytest.raises(MissingInputError, match="nothing is there"):
        resolve(Source(path=str(folder / "pipe.tsv")), "k")


def test_a_path_that_cannot_be_listed_names_the_setting():
    with pytest.raises(MissingInputError, match=r"sources\[2\]\.path: nowhere://x cannot be"):
        resolve(Source(path="nowhere://x"), "crawl.sources[2]")


def test_a_folder_with_marks_in_its_name_is_no_part_of_the_glob(tmp_path):
    for name in ("[1]/a.tsv", "[1]/sub/b.tsv", "1/c.tsv", "x*/y/d.tsv", "xx/y/e.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(b"")
    for pattern, names in {
        "[1]/*.tsv": ["[1]/a.tsv"],
        "[1]/**/*.tsv": ["[1]/a.tsv", "[1]/sub/b.tsv"],
        "[0-9]/*": ["1/c.tsv"],
        "x*/*/?.tsv": ["x*/y/d.tsv"],
        "x?/y/*": ["x*/y/d.tsv", "xx/y/e.tsv"],
    }.items():
        found = [file.location for file in resolve(Source(path=f"{tmp_path}/{pattern}"), "k")]
        assert found == [f"{tmp_path}/{name}" for name in names]


def test_a_circle_of_links_ends(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "t.tsv").write_bytes(b"")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "linked").symlink_to("a")
    for path in (tmp_path, f"{tmp_path}/**/*", tmp_path / "linked", f"{tmp_path}/linked/*"):
        assert len(resolve(Source(path=str(path)), "k")) == 1
    (book,) = discover(CrawlConfig(sources=(Source(path=str(tmp_path)),))).books
    assert book.passed_over == {"links to folders": 2, "links to nothing": 1}


@pytest.mark.parametrize("form", ["{0}", "file://{0}", "{0}/*.html"])
def test_names_that_are_no_utf_8(tmp_path, form):
    name = os.fsdecode(b"caf\xe9.html")
    (tmp_path / name).write_bytes(b"")
    source = Source(path=form.format(tmp_path), base_url="http://site.test/")
    (file,) = resolve(source, "k")
    assert file.page_url == "http://site.test/caf%E9.html"
    assert file.name == "caf\\udce9.html"
    assert file.location.endswith(name)


def test_urls_of_files_stay_urls(tmp_path):
    (tmp_path / "a::b.tsv").write_bytes(b"")
    (file,) = resolve(Source(path=f"file://{tmp_path}"), "k")
    assert file.location == f"file://{tmp_path}/a::b.tsv"


@pytest.mark.parametrize("name", ["old.ARC", "old.arc.gz"])
def test_a_kindred_format_is_refused_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(MissingInputError, match=r"ARC archives are not read: .*warcio recompress"):
        resolve(Source(path=f"{tmp_path}/{name}"), "k")


@pytest.mark.parametrize(
    ("base_url", "name", "address"),
    [
        ("https://a.test/x/", "p/i j.html", "https://a.test/x/p/i%20j.html"),
        ("https://", "a.test/p/i j.html", "https://a.test/p/i%20j.html"),
        ("http://", "a.test:8080/i.html", "http://a.test:8080/i.html"),
        ("http://", "i.html", ""),
        ("", "a.test/i.html", ""),
    ],
)
def test_a_page_has_the_address_that_its_folder_had(tmp_path, base_url, name, address):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("<p>")
    (file,) = resolve(Source(path=str(tmp_path), base_url=base_url), "k")
    assert file.page_url == address

import io
from datetime import UTC, datetime

import pytest

from pipelines.crawl.archives.warc import read_warc
from pipelines.crawl.books import PassedOver
from pipelines.crawl.site.archive import Archive, files_of, name_of, outcomes_in, record_of
from pipelines.web.answers import Response
from pipelines.web.failures import FetchFailure, Reason

URL = "http://a.test/p"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HEADERS = (
    ("content-type", "text/html; charset=koi8-r"),
    ("content-encoding", "gzip"),
    ("content-length", "5"),
    ("x-robots-tag", "noarchive"),
)
PAGE = Response(200, b"<p>whole body</p>", HEADERS[0][1], URL, HEADERS)
REDIRECT = Response(301, b"", "", URL, (("location", "/x"),))
FAILURE = FetchFailure(Reason.TIMED_OUT, "at http://a.test/p", None, 20.0)


@pytest.mark.parametrize("outcome", [PAGE, REDIRECT, FAILURE])
def test_an_outcome_comes_back_as_it_was(outcome):
    ((url, found),) = outcomes_in(record_of(URL, outcome, "", WHEN))
    assert (url, found) == (URL, outcome)
    if isinstance(outcome, Response) and isinstance(found, Response):
        assert found.redirects_to == outcome.redirects_to


def test_other_readers_of_archives_find_the_page():
    def pages(outcome, opt_out=""):
        return list(read_warc(io.BytesIO(record_of(URL, outcome, opt_out, WHEN)), 1000))

    (page,) = pages(PAGE)
    assert (page.url, page.html, page.charset) == (URL, PAGE.body, "koi8-r")
    assert page.http_terms.opt_out == ""
    assert pages(PAGE, "tdm-reservation")[0].http_terms.opt_out == "tdm-reservation"
    assert pages(REDIRECT) == [PassedOver("redirects")]
    assert pages(FAILURE) == [PassedOver("metadata records")]


def test_an_archive_knows_what_it_keeps(tmp_path):
    folder = str(tmp_path / "a.test")
    archive = Archive(folder)
    assert archive.find(URL) is None
    location = archive.keep(URL, PAGE, "")
    assert Archive(folder).find(URL) == (PAGE, location)
    assert Archive(folder).find(f"{URL}/other") is None


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"WARC/1.1\r\n\r\n"])
def test_a_damaged_file_holds_nothing(tmp_path, damage, caplog):
    archive = Archive(str(tmp_path))
    archive.keep(URL, PAGE, "")
    (path,) = tmp_path.iterdir()
    path.write_bytes(damage)
    assert Archive(str(tmp_path)).find(URL) is None
    assert "is damaged" in caplog.text


def test_the_files_of_pages_and_of_refused_hosts_are_found(tmp_path):
    pages = ["http://a.test/1", "http://a.test/2", "http://b.test:8080/1", "http://my_host.test/1"]
    for page in pages:
        host = page.split("/")[2].replace(":", "_")
        Archive(f"{tmp_path}/policy/{host}").keep(page, FetchFailure(Reason.NOT_FOUND, ""), "")
    refused = {"http://b.test:8080/", "http://my_host.test/"}
    found = files_of(str(tmp_path), pages[:1], refused.__contains__)
    names = [f"policy/a.test/{name_of(pages[0])}", f"policy/b.test_8080/{name_of(pages[2])}"]
    names.append(f"policy/my_host.test/{name_of(pages[3])}")
    assert found == [f"{tmp_path}/{name}" for name in names]

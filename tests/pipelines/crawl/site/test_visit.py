import time
from dataclasses import replace

import pytest

from dalle_model import files
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.inputs import read_input
from pipelines.crawl.site.config import Site
from pipelines.crawl.site.frontier import Fetched, Link
from pipelines.crawl.site.visit import MAX_FAILURES_IN_A_ROW, Visits, visit, visit_all
from pipelines.io import wanted
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import Refusals, digest, write_refusals
from pipelines.io.task import StageTask
from pipelines.io.wanted import NotWantedError
from pipelines.records import Candidate
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import close_shared_clients
from pipelines.web.reservations import Reservations
from tests.support.site import SUFFIX, Answer, live_site

HOST = "a.demo.test"
URL = f"http://{HOST}"


@pytest.fixture
def site():
    with live_site() as running:
        yield running
        close_shared_clients()


@pytest.fixture
def visits_of(site, tmp_path):
    def make(**settings):
        given = {"start": f"{URL}/", "delay_s": 0, "backoff_s": 0, "retries": 0} | settings
        config = CrawlConfig(sites=(Site.model_validate(given),))
        loopback = LoopbackAllowance(site.port, SUFFIX)
        return Visits(config, str(tmp_path / "site"), loopback)

    return make


def links_to(*paths, depth=0):
    return [Link(0, depth, URL + path) for path in paths]


def reasons(visited):
    return {row.url.removeprefix(URL): row.reason for row in visited.rejections}


def test_pages_are_archived_and_their_links_come_out(site, visits_of):
    site.page(f"{HOST}/", '<a href="b#x">b</a><a href="http://else.test/">x</a><img src=p alt=q>')
    visited = visit(HOST, links_to("/"), visits_of(name="mine"))
    assert list(visited.links.values()) == [Link(0, 1, f"{URL}/b")]
    assert visited.fetched == [Fetched(0, f"{URL}/")]
    ((file, source),) = visited.files
    (row,) = read_input(file, source, visits_of().config)
    assert isinstance(row, Candidate)
    assert (row.url, row.caption, row.page_url, row.source) == (f"{URL}/p", "q", f"{URL}/", "mine")
    assert not visited.rejections


def test_a_second_visit_asks_for_nothing_and_says_the_same(site, visits_of):
    site.page(f"{HOST}/", '<a href="/b">b</a>')
    site.redirect(f"{HOST}/r", "/b")
    site.answers[f"{HOST}/slow"] = Answer(status=503)
    links = links_to("/", "/r", "/gone", "/slow")
    first = visit(HOST, links, visits_of())
    num_asked = len(site.log)
    assert visit(HOST, links, visits_of()) == first
    assert len(site.log) == num_asked
    assert reasons(first) == {"/r": "redirected", "/gone": "not_found", "/slow": "server_error"}


def test_a_damaged_answer_is_fetched_again(site, visits_of, caplog):
    site.page(f"{HOST}/", "<p>")
    common = visits_of()
    ((file, _),) = visit(HOST, links_to("/"), common).files
    files.write_bytes(file.location, files.read_bytes(file.location)[:60])
    visit(HOST, links_to("/"), common)
    assert site.pages_asked() == {f"{HOST}/": 2}
    assert "is damaged" in caplog.text


def test_another_policy_reuses_no_answers(site, visits_of):
    site.page(f"{HOST}/", "<p>")
    for agent in ("one/1.0", "two/1.0"):
        visit(HOST, links_to("/"), visits_of(user_agent=agent))
    assert site.pages_asked() == {f"{HOST}/": 2}


def test_robots_is_obeyed_and_costs_no_budget(site, visits_of):
    site.file(f"{HOST}/robots.txt", "User-agent: *\nDisallow: /a/")
    for path in ("/a/1", "/a/2", "/b", "/c"):
        site.page(HOST + path)
    visited = visit(HOST, links_to("/a/1", "/a/2", "/b", "/c"), visits_of(max_pages=1))
    assert reasons(visited) == {"/a/1": "robots_disallowed", "/a/2": "robots_disallowed",
                                "/b": "empty_body"}  # fmt: skip
    assert [left.url for left in visited.skipped] == [f"{URL}/c"]
    assert site.pages_asked() == {f"{HOST}/b": 1}


def test_an_unreachable_robots_closes_the_origin(site, visits_of):
    site.answers[f"{HOST}/robots.txt"] = Answer(status=500)
    visited = visit(HOST, links_to("/a", "/b", "/c"), visits_of())
    assert set(reasons(visited).values()) == {"robots_unreachable"}
    assert [a.path for a in site.log] == ["/robots.txt"]


def test_a_host_that_asks_for_a_long_rest_is_left_alone(site, visits_of):
    host = "tired.demo.test"  # one of its own: this process holds it for a while
    site.answers[f"{host}/a"] = Answer(status=429, headers=(("Retry-After", "3600"),))
    common = visits_of(start=f"http://{host}/", retries=2)
    visited = visit(host, [Link(0, 0, f"http://{host}/{name}") for name in "ab"], common)
    assert [row.reason for row in visited.rejections] == ["retry_later"] * 2
    later = visit(host, [Link(0, 1, f"http://{host}/c"), *visited.fetched], common)
    assert [left.reason for left in later.skipped] == ["retry_later"]
    assert site.pages_asked() == {f"{host}/a": 1}


def test_a_host_that_fails_in_a_row_is_given_up(site, visits_of):
    paths = [f"/{n}" for n in range(MAX_FAILURES_IN_A_ROW + 3)]
    for path in paths:
        site.answers[HOST + path] = Answer(status=500)
    visited = visit(HOST, links_to(*paths), visits_of())
    assert list(reasons(visited).values()).count("host_given_up") == 3
    assert len(site.pages_asked()) == MAX_FAILURES_IN_A_ROW


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/b", "redirected"),
        ("http://b.demo.test/", "redirected_off_site"),
        ("http://169.254.169.254/", "redirected_off_site"),
        ("file:///etc/passwd", "broken_redirect"),
    ],
)
def test_a_redirect_is_checked_before_it_is_followed(site, visits_of, location, reason):
    site.redirect(f"{HOST}/", location)
    visited = visit(HOST, links_to("/"), visits_of())
    assert reasons(visited) == {"/": reason}
    followed = [Link(0, 0, f"{URL}/b", hops=1)] if reason == "redirected" else []
    assert list(visited.links.values()) == followed
    assert {a.host for a in site.log} == {HOST}


def test_what_is_no_page_is_not_read(site, visits_of):
    site.file(f"{HOST}/p", "x" * 100_000, "image/png")
    site.answers[f"{HOST}/none"] = Answer(b"text", headers=())
    site.answers[f"{HOST}/part"] = Answer(b"<html>", 206)
    visited = visit(HOST, links_to("/p", "/none", "/part"), visits_of())
    assert reasons(visited) == {
        "/p": "unwanted_type",
        "/none": "unwanted_type",
        "/part": "partial_response",
    }
    assert not visited.files


IMAGE = '<img src="p.png" alt="a barn">'
TDM_ALL = '[{"location": "/", "tdm-reservation": 1}]'


@pytest.mark.parametrize(
    ("files_of_the_site", "headers", "word"),
    [
        ({}, {}, None),
        ({"/.well-known/tdmrep.json": TDM_ALL}, {}, "tdm-reservation"),
        ({"/.well-known/tdmrep.json": TDM_ALL}, {"TDM_Reservation": "0"}, None),
        ({}, {"TDM_Reservation": "1"}, "tdm-reservation"),
        ({}, {"X_Robots_Tag": "noai"}, "noai"),
        ({}, {"X_Robots_Tag": "otherbot: none, dallebot: noimageai"}, "noimageai"),
        ({}, {"X_Robots_Tag": "otherbot: noai"}, None),
        ({"/ai.txt": "User-Agent: *\nDisallow: *.jpg"}, {}, "ai.txt"),
        ({"/ai.txt": "User-Agent: *\nDisallow: *.mp3"}, {}, None),
        ({"/ai.txt": "User-Agent: other\nDisallow: /"}, {}, None),
    ],
)
def test_opt_outs_are_recorded_with_the_page(site, visits_of, files_of_the_site, headers, word):
    for path, content in files_of_the_site.items():
        site.file(HOST + path, content)
    site.page(f"{HOST}/", IMAGE, **headers)
    common = visits_of()
    visited = visit(HOST, links_to("/"), common)
    rows = [r for file, source in visited.files for r in read_input(file, source, common.config)]
    assert [getattr(row, "detail", None) for row in rows] == [word]


def test_sitemaps_of_a_start_host_lead_on(site, visits_of):
    site.file(f"{HOST}/robots.txt", f"Sitemap: {URL}/index.xml\nSitemap: http://b.test/s.xml")
    site.file(f"{HOST}/index.xml", f"<sitemapindex><loc>{URL}/s.xml</loc></sitemapindex>")
    site.file(f"{HOST}/s.xml", f"<urlset><url><loc>{URL}/p?a=1&amp;b=2</loc></url></urlset>")
    site.page(f"{HOST}/", "<p>")
    common, links = visits_of(uses_sitemaps=True), links_to("/")
    found = []
    for _ in range(3):
        visited = visit(HOST, links, common)
        links = list(visited.links.values())
        found += links
    assert found == [
        Link(0, 0, f"{URL}/index.xml", is_sitemap=True),
        Link(0, 0, f"{URL}/s.xml", is_sitemap=True),
        Link(0, 0, f"{URL}/p?a=1&b=2"),
    ]


def test_sitemaps_leave_the_budget_to_pages(site, visits_of, monkeypatch):
    monkeypatch.setattr("pipelines.crawl.site.frontier.MAX_SITEMAPS", 2)
    maps = [f"/{n}.xml" for n in range(4)]
    for path in maps:
        site.file(HOST + path, "<urlset></urlset>")
    site.page(f"{HOST}/p", "<p>")
    links = [Link(0, 0, URL + path, is_sitemap=True) for path in maps]
    visited = visit(HOST, [*links, *links_to("/p")], visits_of(max_pages=1))
    assert set(site.pages_asked()) == {HOST + path for path in (*maps[:2], "/p")}
    assert [left.reason for left in visited.skipped] == ["over_sitemap_budget"] * 2


def test_hosts_are_visited_at_once_and_come_out_in_their_order(site, visits_of):
    names = [f"h{n}.demo.test" for n in range(4)]
    for name in names:
        site.answers[f"{name}/"] = Answer(b"<p>", wait_s=0.1)
    began = time.monotonic()
    hosts = [(name, [Link(0, 0, f"http://{name}/")]) for name in names]
    visited = list(visit_all(hosts, visits_of(), at_once=4))
    assert [host for host, _ in visited] == names
    assert all(len(done.files) == 1 for _, done in visited)
    spans = [(asked.began, asked.ended) for asked in site.log if asked.path == "/"]
    assert max(start for start, _ in spans) < min(end for _, end in spans)
    assert time.monotonic() - began < 10


def test_when_one_visit_fails_the_others_end_at_their_next_page(site, visits_of, monkeypatch):
    paths = [f"/{n}" for n in range(50)]
    for path in paths:
        site.page(HOST + path, "<p>")
    common = visits_of(start=(f"{URL}/", "http://full.demo.test/"), delay_s=0.02)

    def reservations(_client, url):
        if "full" not in url:
            return Reservations()
        while not site.pages_asked():
            time.sleep(0.001)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipelines.web.client.Client.reservations", reservations)
    hosts = [(HOST, links_to(*paths)), ("full.demo.test", [Link(0, 0, "http://full.demo.test/")])]
    with pytest.raises(OSError, match="No space"):
        list(visit_all(hosts, common, at_once=2))
    assert len(site.pages_asked()) < len(paths)


def test_a_crawl_whose_job_was_ended_asks_for_no_more(site, visits_of, tmp_path, monkeypatch):
    monkeypatch.setattr(wanted, "CHECK_S", 0.05)
    pages = [f"/{number}" for number in range(50)]
    for path in pages:
        site.page(HOST + path, "<p>a page</p>")
    task = StageTask(str(tmp_path), "crawl", 1, "", "", (0,), job="ended")
    visits = replace(visits_of(delay_s=0.2), task=task)
    with pytest.raises(NotWantedError):
        list(visit_all([(HOST, links_to(*pages))], visits, 1))
    assert len(site.log) < len(pages) / 2


def test_what_was_removed_from_the_run_is_not_visited(site, visits_of, tmp_path):
    site.page(f"{HOST}/", "<p>kept</p>")
    site.page(f"{HOST}/gone", "<p>gone</p>")
    write_refusals(RunFolder(str(tmp_path)), Refusals(frozenset({digest("url", f"{HOST}/gone")})))
    task = StageTask(str(tmp_path), "crawl", 1, "attempt", "fingerprint", (0,))
    visited = visit(HOST, links_to("/", "/gone"), replace(visits_of(), task=task))
    assert reasons(visited) == {"/gone": "removed"}
    assert f"{HOST}/gone" not in str(site.log)

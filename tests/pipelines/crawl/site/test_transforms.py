from collections import Counter

import pyarrow.parquet as pq
import pytest
from apache_beam.testing.test_pipeline import TestPipeline as _TestPipeline

from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.pipeline import build
from pipelines.crawl.site.config import Site
from pipelines.io.task import StageTask
from pipelines.web.addresses import LoopbackAllowance
from pipelines.web.client import close_shared_clients
from tests.support.beam_tasks import tasks
from tests.support.site import SUFFIX, Answer, add_tree, live_site


@pytest.fixture
def site():
    with live_site() as running:
        yield running
        close_shared_clients()


def crawl(site, folder, **settings):
    """Crawl the site; kept rows and rejections."""
    settings = {"delay_s": 0, "retries": 0, "max_redirects": 1} | settings
    config = CrawlConfig(sites=(Site(**settings),))
    task = StageTask(str(folder), "crawl", 2, "attempt", "fingerprint", (0, 1))
    with _TestPipeline(runner="FnApiRunner") as pipeline:
        build(tasks(pipeline, task), task, config, LoopbackAllowance(site.port, SUFFIX))
    kept = [row for n in (0, 1) for row in pq.read_table(task.part(n)).to_pylist()]
    rejected = [row for n in (0, 1) for row in pq.read_table(task.rejected(n)).to_pylist()]
    return kept, rejected


def content(folder):
    return [p.read_bytes() for p in sorted((folder / "crawl").glob("**/*.parquet"))]


def test_rounds_lead_to_every_page_once(site, tmp_path):
    num_pages = add_tree(site, "a.demo.test", fan_out=2, depth=3)
    kept, rejected = crawl(site, tmp_path, start="http://a.demo.test/", max_depth=3)
    assert len(kept) == num_pages == 15
    assert not rejected
    assert set(site.pages_asked().values()) == {1}
    assert site.most_connections == {"a.demo.test": 1}


def test_every_url_that_was_found_is_in_the_books(site, tmp_path):
    add_tree(site, "a.demo.test", fan_out=2, depth=3)
    site.answers["a.demo.test/1/"] = Answer(status=404)
    site.file("a.demo.test/robots.txt", "User-agent: *\nDisallow: /0/0/")
    kept, rejected = crawl(site, tmp_path, start="http://a.demo.test/", max_depth=2)
    assert sorted(row["page_url"][18:] for row in kept) == ["/", "/0/", "/0/1/"]
    assert {row["url"][18:]: row["reason"] for row in rejected} == {
        "/1/": "not_found",
        "/0/0/": "robots_disallowed",
        "/0/1/0/": "over_depth",
        "/0/1/1/": "over_depth",
    }


def test_the_budget_takes_the_same_pages_whatever_the_order_of_links(site, tmp_path):
    paths = [f"/{n:02d}" for n in range(20)]
    for number, order in enumerate((paths, paths[::-1])):
        links = "".join(f'<a href="{path}">x</a>' for path in order)
        for path in ["/", *paths]:
            site.page(f"a.demo.test{path}", f'<img src="{path}.png" alt="{path}">{links}')
        folder = tmp_path / str(number)
        kept, rejected = crawl(site, folder, start="http://a.demo.test/", max_pages=5)
        assert Counter(row["reason"] for row in rejected) == {"over_page_budget": 16}
        assert len(kept) == 5
    assert content(tmp_path / "0") == content(tmp_path / "1")


def test_a_second_start_asks_no_page_again_and_writes_the_same_bytes(site, tmp_path):
    add_tree(site, "a.demo.test", fan_out=3, depth=2)
    site.redirect("a.demo.test/0/0/", "/0/1/")
    crawl(site, tmp_path, start="http://a.demo.test/")
    first, num_asked = content(tmp_path), len(site.log)
    crawl(site, tmp_path, start="http://a.demo.test/")
    assert len(site.log) == num_asked
    assert content(tmp_path) == first


def test_hosts_are_visited_politely_and_at_once(site, tmp_path):
    """Hosts that all link to each other, with a delay, a Crawl-delay and closed paths."""
    hosts = ["x.demo.test", *(f"h{n}.x.demo.test" for n in range(12))]
    links = "".join(f'<a href="http://{host}/{n}">x</a>' for host in hosts for n in range(4))
    for host in hosts:
        delay = "Crawl-delay: 0.06\n" if host.startswith("h1") else ""
        site.file(f"{host}/robots.txt", f"User-agent: *\n{delay}Disallow: /3")
        for path in ("/", "/0", "/1", "/2", "/3"):
            site.page(host + path, links)
    site.answers["h0.x.demo.test/1"] = Answer(status=503, headers=(("Retry-After", "1"),))
    _, rejected = crawl(
        site, tmp_path, start="http://x.demo.test/", scope="same_site", max_depth=1, delay_s=0.03
    )
    assert Counter(row["reason"] for row in rejected) == {
        "server_error": 1,
        "robots_disallowed": 13,
    }
    assert len(site.pages_asked()) == 1 + 13 * 3
    assert not [asked for asked in site.log if asked.path == "/3"]
    assert max(site.most_connections.values()) == 1
    for host, gaps in site.gaps_s().items():
        assert min(gaps) >= (0.06 if host.startswith("h1") else 0.03)
    assert max(site.gaps_s()["h0.x.demo.test"]) >= 1  # after the answer that said so


def test_a_farm_of_hosts_has_a_budget(site, tmp_path):
    """Every page links to two hosts that are new."""
    start = "x.demo.test"
    names = [start]
    for name in names:
        if len(names) < 31:
            names += [f"{n}{name}" if name != start else f"{n}.{name}" for n in (0, 1)]
    below = {name: [n for n in names if n[1:].lstrip(".") == name] for name in names}
    for name in names:
        links = "".join(f'<a href="http://{host}/">x</a>' for host in below[name])
        site.page(f"{name}/", f'<img src="/p.png" alt="{name}">{links}')
    kept, rejected = crawl(
        site, tmp_path, start=f"http://{start}/", scope="same_site", max_hosts=4, max_depth=4
    )
    visited = {start, "0.x.demo.test", "1.x.demo.test", "00.x.demo.test", "01.x.demo.test"}
    assert {asked.host for asked in site.log} == visited
    assert len(kept) == len(visited)
    assert Counter(row["reason"] for row in rejected) == {"over_host_budget": 6}

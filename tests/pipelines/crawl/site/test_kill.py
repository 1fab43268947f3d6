import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.support import forked, live_run
from tests.support.site import ABOUT, LiveSite, add_tree, live_site

HOSTS = ["x.demo.test", "a.x.demo.test", "b.x.demo.test"]


@pytest.fixture
def site():
    with live_site() as running:
        yield running


def start(site: LiveSite, folder: Path, *options: str) -> BaseProcess:
    arguments = [str(site.port), str(folder), "http://x.demo.test/", "0.02", *options]
    return forked.start(live_run.main, *arguments)


def finishes(process: BaseProcess) -> bool:
    process.join()
    return process.exitcode == 0


def add_hosts(site: LiveSite) -> int:
    """Three hosts that link to each other, each a tree of pages."""
    num_pages = sum(add_tree(site, host, fan_out=3, depth=2) for host in HOSTS)
    links = "".join(f'<a href="http://{host}/">x</a>' for host in HOSTS)
    front = site.answers["x.demo.test/"].body.decode()
    site.page("x.demo.test/", front + links)
    return num_pages


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "crawl").glob("**/*.parquet"))]


def wait_for_pages(site: LiveSite, number: int, process: BaseProcess) -> None:
    deadline = time.monotonic() + 60
    while site.pages_asked().total() < number:
        assert process.exitcode is None
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.slow
def test_a_killed_crawl_asks_for_no_kept_page_again(site, tmp_path):
    num_pages = add_hosts(site)
    process = start(site, tmp_path / "killed")
    wait_for_pages(site, 20, process)
    forked.kill(process)
    assert finishes(start(site, tmp_path / "killed"))
    asked = site.pages_asked()
    assert len(asked) == num_pages
    assert asked.total() <= num_pages + len(HOSTS)  # at most one a host was under way
    site.log.clear()
    assert finishes(start(site, tmp_path / "clean"))
    assert set(site.pages_asked().values()) == {1}
    assert contents(tmp_path / "killed") == contents(tmp_path / "clean")


@pytest.mark.slow
def test_two_processes_are_as_polite_and_write_the_same(site, tmp_path):
    add_hosts(site)
    assert finishes(start(site, tmp_path / "one"))
    site.log.clear()
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    assert finishes(start(site, tmp_path / "two", *options))
    assert set(site.pages_asked().values()) == {1}
    assert min(min(gaps) for gaps in site.gaps_s().values()) >= 0.02
    about = Counter(asked.host + asked.path for asked in site.log if asked.path in ABOUT)
    assert max(about.values()) <= 2  # once in a process
    assert contents(tmp_path / "one") == contents(tmp_path / "two")

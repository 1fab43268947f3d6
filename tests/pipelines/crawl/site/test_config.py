import subprocess
import sys

import pytest
from pydantic import ValidationError

from pipelines.crawl.config import CrawlConfig, dependencies, fingerprint_config
from pipelines.crawl.site.config import Site, policy_digest
from pipelines.web.addresses import LoopbackAllowance

START = "http://a.test/"


def site(**settings):
    return Site.model_validate(settings)


def test_start_urls_are_canonical_and_one_needs_no_list():
    assert site(start="HTTP://A.test:80").start == (START,)
    assert site(start=["http://a.test", START]).start == (START,)


def test_a_start_url_without_a_scheme_is_shown_with_one():
    with pytest.raises(
        ValidationError, match=r"'a\.test/x': .* write it whole, as https://a\.test/x"
    ):
        site(start="a.test/x")


@pytest.mark.parametrize(
    "settings",
    [
        {"start": []},
        {"start": ["a.test"]},
        {"start": "file:///etc/passwd"},
        {"start": "http://u:p@a.test/"},
        {"start": START, "max_pages": 0},
        {"start": START, "delay_s": 31},
        {"start": START, "delay_s": float("nan")},
        {"start": START, "user_agent": "my bot/1.0"},
        {"start": START, "user_agent": "bot2/1.0"},
        {"start": START, "depth": 3},
    ],
)
def test_wrong_settings(settings):
    with pytest.raises(ValidationError):
        site(**settings)


def test_sites_need_no_other_source_and_count_in_the_fingerprint():
    config = CrawlConfig(sites=(site(start=START),))
    other = CrawlConfig(sites=(site(start=START, max_depth=1),))
    assert fingerprint_config(config) != fingerprint_config(other)
    assert "aiohttp" in dependencies(config)
    with pytest.raises(ValidationError, match="nothing to read"):
        CrawlConfig()


def test_answers_are_kept_apart_by_what_decides_them():
    assert policy_digest(site(start=START), 10) == policy_digest(site(start=START, max_depth=9), 10)
    assert policy_digest(site(start=START), 10) != policy_digest(site(start=START), 11)
    assert policy_digest(site(start=START), 10) != policy_digest(
        site(start=START, obeys_robots=False), 10
    )
    here = LoopbackAllowance(8000, ".demo.test")
    assert policy_digest(site(start=START), 10) != policy_digest(site(start=START), 10, here)
    assert policy_digest(site(start=START), 10, here) == policy_digest(
        site(start=START), 10, LoopbackAllowance(8001, ".demo.test")
    )


def test_importing_the_config_loads_nothing_heavy():
    code = (
        "import sys, pipelines.crawl.site.config\n"
        "heavy = {'aiohttp', 'selectolax', 'fastwarc', 'apache_beam', 'pyarrow'}\n"
        "sys.exit(bool(heavy & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0

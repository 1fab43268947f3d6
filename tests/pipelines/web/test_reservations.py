import json

import pytest

from pipelines.web.reservations import Reservations, read_tdmrep
from pipelines.web.robots import parse_robots

SITE = "http://a.test"
# Three groups of files. Source: W3C TDMRep final report (2024), section 6.1, example 5.
GROUPS = [
    {"location": "/directory-a/", "tdm-reservation": 1},
    {
        "location": "/directory-b/html/",
        "tdm-reservation": 1,
        "tdm-policy": "https://provider.com/policies/policy.json",
    },
    {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
]


def tdm(rules, path, *headers):
    body = rules if isinstance(rules, bytes) else json.dumps(rules).encode()
    return Reservations(tdm=read_tdmrep(body)).opt_out(SITE + path, headers)


@pytest.mark.parametrize(
    ("rules", "path", "is_reserved"),
    [
        (GROUPS, "/directory-a/x.pdf", True),
        (GROUPS, "/directory-b/html/", True),
        (GROUPS, "/directory-b/images/a.jpg", False),
        (GROUPS, "/directory-c", False),
        ([{"location": "/", "tdm-reservation": 1}], "/any?thing", True),
        ([{"location": "/", "tdm-reservation": "1"}], "/", True),
        ([{"location": "/a/*.html$", "tdm-reservation": 1}], "/a/b/c.html", True),
        ([{"location": "/a/*.html$", "tdm-reservation": 1}], "/a/b.html?x", False),
        ([{"location": "/%62", "tdm-reservation": 1}], "/b", True),
        ([{"location": "/ä", "tdm-reservation": 1}], "/%C3%A4", True),
        ([{"location": "/a", "tdm-reservation": 0}, *GROUPS[:1],
          {"location": "/", "tdm-reservation": 1}], "/a/b", False),  # the first match counts
        ([{"location": "/x"}, {"tdm-reservation": 1}, 5, None, {"location": 3}], "/x", False),
        ({"location": "/", "tdm-reservation": 1}, "/", False),  # no array
        (b"\xef\xbb\xbf" + json.dumps(GROUPS).encode(), "/directory-a/", True),
        (b"<html>not found</html>", "/", False),
        (b"[" * 100_000, "/", False),
        (b"\xff\xfe", "/", False),
    ],
)  # fmt: skip
def test_the_tdm_file(rules, path, is_reserved):
    assert tdm(rules, path) == ("tdm-reservation" if is_reserved else "")


def test_the_last_rule_of_a_long_file_counts():
    rules = [{"location": f"/{n}/", "tdm-reservation": 1} for n in range(12_000)]
    assert tdm(rules, "/11999/")
    assert not tdm(rules, "/12000/")


@pytest.mark.parametrize("value", ["0", "1"])
def test_a_header_supersedes_the_file(value):
    assert tdm([{"location": "/", "tdm-reservation": 1}], "/", ("tdm-reservation", value)) == ""


@pytest.mark.parametrize(
    ("rules", "word"),
    [
        ("User-Agent: *\nDisallow: *.jpg\nDisallow: *.txt", "ai.txt"),
        ("User-Agent: *\nDisallow: /", "ai.txt"),
        ("User-Agent: *\nDisallow: /dir/", "ai.txt"),
        ("User-Agent: *\nDisallow: /\nAllow: *.jp*\nAllow: *.png\nAllow: *.webp\nAllow: *.gif", ""),
        ("User-Agent: *\nDisallow: *.mp3\nDisallow: /other/", ""),
        ("", ""),
    ],
)
def test_ai_txt_refuses_by_kind_of_file(rules, word):
    ai = parse_robots(rules.encode(), "dallebot")
    assert Reservations(ai=ai).opt_out(f"{SITE}/dir/page.html", ()) == word


def test_a_site_without_such_files_reserves_nothing():
    assert Reservations().opt_out(f"{SITE}/", ()) == ""

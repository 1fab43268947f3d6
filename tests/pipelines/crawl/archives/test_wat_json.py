import json
import random
from typing import Any

import pytest

from pipelines.crawl.archives import wat_json
from pipelines.crawl.archives.wat_json import BadMetadataError, ImageTag, Metadata, read_metadata

PATHS = ("IMG@/src", "A@/href", "FORM@/action", "STYLE/#text", "IMG@/longdesc", "SOURCE@/src")
KEYS = ("url", "alt", "title", "rel", "text", "href")


def _content(links: list[Any], **layout: Any) -> bytes:
    payload = {"HTTP-Response-Metadata": {"HTML-Metadata": {"Links": links}}}
    return json.dumps({"Envelope": {"Payload-Metadata": payload}}, **layout).encode()


def _links(chance: random.Random, paths: tuple[str, ...]) -> list[dict[str, str]]:
    words = ["a", "ü ü", '"},{"path":"IMG@/src"', "license", "LICENSE x", "\\", "", "\n"]
    links = []
    for _ in range(chance.randrange(12)):
        link = {key: chance.choice(words) for key in KEYS if chance.random() < 0.5}
        link["path"] = chance.choice(paths)
        links.append(dict(chance.sample(sorted(link.items()), len(link))))
    return links


def _expected(links: list[dict[str, str]]) -> tuple[list[ImageTag], str]:
    image_tags = [
        ImageTag(link.get("url", ""), link.get("alt", ""), link.get("title", ""))
        for link in links
        if link["path"] == "IMG@/src"
    ]
    anchors = [link for link in links if link["path"] == "A@/href"]
    licenses = [a.get("url", "") for a in anchors if "license" in a.get("rel", "").lower().split()]
    return image_tags, next(iter(licenses), "")


@pytest.mark.parametrize("paths", [PATHS, (*PATHS, "LI@/data-uri", "")])
@pytest.mark.parametrize("seed", range(40))
def test_links_are_the_same_in_any_layout_and_among_any_others(seed, paths):
    links = _links(random.Random(seed), paths)
    for layout in ({}, {"separators": (",", ":"), "ensure_ascii": False}, {"indent": 1}):
        metadata = read_metadata(_content(links, **layout))
        assert isinstance(metadata, Metadata)
        assert (metadata.image_tags, metadata.license_link) == _expected(links)


def test_each_path_that_is_passed_over_is_known():
    links = [{"path": path, "url": 5, "rel": 5} for path in wat_json._OTHERS]
    metadata = read_metadata(_content(links))
    assert isinstance(metadata, Metadata)
    assert metadata.image_tags == []


@pytest.mark.parametrize("others", [[], [{"path": "LI@/data-uri"}]])
@pytest.mark.parametrize(
    "link",
    [
        {"path": "IMG@/src", "url": 5},
        {"path": "A@/href", "rel": None},
        {"path": None},
        {},
        "IMG@/src",
        None,
    ],
)
def test_a_wrong_type_is_found_whatever_is_next_to_it(link, others):
    with pytest.raises(BadMetadataError, match=r"Expected|required"):
        read_metadata(_content([*others, link]))


def test_headers_have_lower_case_names_and_all_their_values():
    response = {"Headers": {"X-A": "1", "x-b": ["2", "3"]}, "HTML-Metadata": {}}
    content = {"Envelope": {"Payload-Metadata": {"HTTP-Response-Metadata": response}}}
    metadata = read_metadata(json.dumps(content).encode())
    assert isinstance(metadata, Metadata)
    assert metadata.headers == {"x-a": ["1"], "x-b": ["2", "3"]}
    assert metadata.status == "200"

import pytest

from pipelines.crawl.pages.hazards import MAX_COPIES, MAX_STEPS, hazards
from pipelines.rejection import first_failure


def _reason(html: bytes) -> str:
    failure = first_failure(hazards(html))
    return failure.reason if failure else ""


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (b"", ""),
        (b"<div>" * 100_000, "page_too_deep"),
        (b"<div>" * 100_000 + b"</div>" * 100_000, "page_too_deep"),
        (b"<div>" * 9_000 + b"</p>" * 500_000, "page_too_deep"),
        (b"<DIV >" * 100_000, "page_too_deep"),
        (b"<x-y>" * 100_000, "page_too_deep"),
        (b"<div><p>text</div>" * 100_000, ""),
        (b"<li><img><br>" * 100_000, ""),
        (b"<" * 200_000, ""),
        (b"".join(b"<p><b a=%d>" % i for i in range(5000)), "page_too_tangled"),
        (b"".join(b"<p><FONT\nsize=%d>" % i for i in range(5000)), "page_too_tangled"),
        (b"".join(b"<p><b a=%d>x</b>" % i for i in range(5000)), ""),
        (b"<p><b>" * 5000, ""),
        (b"<p><b a=1></i>" * 5000, "page_too_tangled"),
        (b"<img " + b" ".join(b"a%d" % i for i in range(60_000)) + b">", "page_too_tangled"),
        (b"<img/" + b"/".join(b"a%d='>'" % i for i in range(60_000)), "page_too_tangled"),
        (b'<img a=">"' + b"".join(b'a%d="<"' % i for i in range(60_000)), "page_too_tangled"),
        (b"<img " + b" ".join(b"a%d=1" % i for i in range(1_000)) + b" " * 300_000, ""),
        (b"<img src='" + b"a =" * 200_000 + b"'>", ""),
        (b"<p>" + b"some text = / " * 50_000, ""),
        (b"<img a=b" * 60_000 + b">", "page_too_tangled"),
        (b"<img a=b>" * 20_000, ""),
    ],
)
def test_hazards(html, reason):
    assert _reason(html) == reason


def test_measured_values_come_with_what_a_page_of_so_many_tags_may_have():
    deep = first_failure(hazards(b"<div>" * 30_000))
    assert deep is not None
    assert (deep.measured, deep.threshold) == (30_000, MAX_STEPS // 30_000)
    tangled = first_failure(hazards(b"<p><b a=1>" * 2_000))
    assert tangled is not None
    assert (tangled.measured, tangled.threshold) == (2_000, MAX_COPIES // 4_000)

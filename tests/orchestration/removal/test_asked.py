"""Lists of what is to be removed, and lines of them that are no entries."""

import pytest

from orchestration.removal.asked import TakedownError, checked_date, read_asked
from pipelines.io.layout import RunFolder
from pipelines.io.refusals import Refusals, digest, write_refusals


def written(folder, *lines: str) -> str:
    (folder / "list.txt").write_text("".join(f"{line}\n" for line in lines))
    return str(folder / "list.txt")


def test_values_become_digests_of_their_canonical_forms(tmp_path):
    lines = (
        "# a letter",
        "",
        "HTTPS://Bad.example:443/a/../b.jpg  # mine",
        "http://bad.example/b.jpg",
    )
    asked = read_asked(urls=written(tmp_path, *lines))
    assert asked.refusals.digests == {digest("url", "bad.example/b.jpg")}
    assert asked.counts == {"url": 1}


def test_keys_are_of_pairs_or_of_images_and_hashes_of_three_kinds(tmp_path):
    keys = read_asked(keys=written(tmp_path, "A" * 40, "b" * 24)).refusals.digests
    assert keys == {digest("key", "a" * 40), digest("image", "b" * 24)}
    hashes = read_asked(hashes=written(tmp_path, "0" * 32, "sha256:" + "1" * 64, "f" * 16))
    assert hashes.refusals.digests == {digest("md5", "0" * 32), digest("sha256", "1" * 64)}
    assert hashes.looks.tolist() == [0xFFFFFFFFFFFFFFFF]
    assert hashes.has_md5


def test_the_list_of_another_run_is_taken_as_it_is(tmp_path):
    run, refusals = RunFolder(str(tmp_path)), Refusals(frozenset({digest("host", "bad.example")}))
    write_refusals(run, refusals)
    asked = read_asked(refused=run.refusals)
    assert (asked.refusals, asked.counts) == (refusals, {"refused": 1})


@pytest.mark.parametrize(
    ("option", "line", "why"),
    [
        (
            "urls",
            "bad.example/a.jpg",
            r"list.txt:3: 'bad.example/a.jpg' is no entry of --urls: sch",
        ),
        ("hosts", "http://bad.example", r"list.txt:3: .* of --hosts: a host alone"),
        ("keys", "a" * 39, r"list.txt:3: .* of --keys: 40 hexadecimal digits"),
        ("hashes", "pdq:00", r"list.txt:3: .* of --hashes: PDQ"),
        ("refused", "bad.example", r"--refused .*line 3 is no SHA-256"),
    ],
)
def test_a_line_that_is_no_entry_is_named(tmp_path, option, line, why):
    with pytest.raises(TakedownError, match=why):
        read_asked(**{option: written(tmp_path, "# one", "", line)})


@pytest.mark.parametrize("option", ["urls", "hosts", "keys", "hashes", "refused"])
def test_a_list_that_is_not_there_is_named(tmp_path, option):
    with pytest.raises(TakedownError, match=rf"--{option}: .*none.txt cannot be read"):
        read_asked(**{option: str(tmp_path / "none.txt")})


def test_a_date_is_one_or_none():
    assert [checked_date(text) for text in ("", "2026-11-30")] == ["", "2026-11-30"]
    with pytest.raises(TakedownError, match="--date: 'yesterday' is no date"):
        checked_date("yesterday")

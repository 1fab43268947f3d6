import gzip
import io
import random

import pytest

from pipelines.crawl.archives import records
from pipelines.crawl.archives.records import read_records, read_up_to
from tests.support.archives import flip, gzip_records, http_record


def _parse(record) -> list[tuple[str, bytes | str]]:
    url = record.headers.get("WARC-Target-URI") or ""
    try:
        return [(url, read_up_to(record, 5000))]
    except OSError:
        return [(url, "damaged")]


def _rows(content: bytes, **options):
    return list(read_records(io.BytesIO(content), _parse, **options))


def _one_by_one(content: bytes, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(records, "_RUN_BYTES", 0)
        return _rows(content)


def _records(chance: random.Random, count: int = 12) -> list[bytes]:
    return [
        http_record(f"http://site.test/{n}", chance.randbytes(chance.randrange(9000)))
        for n in range(count)
    ]


def _members(chance: random.Random, records: list[bytes]) -> list[bytes]:
    """Gzipped one by one, here and there two at once or one in two halves."""
    members: list[bytes] = []
    while records:
        taken = b"".join(records.pop(0) for _ in range(min(len(records), chance.choice([1, 1, 2]))))
        cut = chance.choice([0, 0, 0, len(taken) // 2])
        members += [gzip.compress(part, mtime=0) for part in (taken[:cut], taken[cut:]) if part]
    return members


def _damage(chance: random.Random, parts: list[bytes]) -> bytes:
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(parts))
        part = parts[place]
        match chance.randrange(4):
            case 0:
                parts[place] = flip(part, chance.randrange(len(part)))
            case 1:
                parts[place] = part[: chance.randrange(1, len(part))]
            case 2:
                parts[place] = part + chance.randbytes(50)
            case _:
                parts[place] = chance.randbytes(50) + part
    return b"".join(parts)


@pytest.mark.parametrize("is_gzip", [False, True])
@pytest.mark.parametrize("seed", range(60))
def test_a_run_gives_what_its_sections_give(seed, is_gzip, monkeypatch):
    chance = random.Random(seed)
    records = _records(chance)
    content = _damage(chance, _members(chance, records) if is_gzip else records)
    assert _rows(content) == _one_by_one(content, monkeypatch)


@pytest.mark.parametrize("is_gzip", [False, True])
def test_whole_records_are_parsed_once(is_gzip):
    records = _records(random.Random(1), 50)
    parsed: list[str] = []

    def parse(record) -> list[str]:
        parsed.append(record.headers["WARC-Target-URI"])
        return [parsed[-1]]

    content = b"".join(gzip_records(records) if is_gzip else records)
    rows = read_records(io.BytesIO(content), parse)
    assert list(rows) == parsed
    assert parsed == [f"http://site.test/{n}" for n in range(50)]


def test_a_part_holds_the_records_that_start_in_it():
    members = gzip_records(_records(random.Random(2), 9))
    cut = sum(map(len, members[:4])) + 1
    content = b"".join(members)
    rows = _rows(content, claim=lambda place: place < cut) + _rows(content, start=cut)
    assert rows == _rows(content)
    assert [row[0][-1] for row in _rows(content, start=cut) if row] == ["5", "6", "7", "8"]

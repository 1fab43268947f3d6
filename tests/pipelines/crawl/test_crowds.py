import pyarrow as pa

from pipelines.crawl.crowds import beyond, counted, last_keys
from pipelines.rejection import REJECTION_SCHEMA

A, B = "a" * 24, "b" * 24


def key(image: str, number: int) -> str:
    return f"{image}{number:016x}"


def rejected(*rows: tuple[str, str]) -> pa.Table:
    empty = {"url": "u", "caption": "c", "stage": "crawl", "detail": ""}
    made = [empty | {"key": of, "reason": reason} for of, reason in rows]
    return pa.Table.from_pylist(made, schema=REJECTION_SCHEMA)


def told(table: pa.Table) -> list[tuple[str, float | None, float | None]]:
    return [(row["reason"], row["measured"], row["threshold"]) for row in table.to_pylist()]


def test_the_first_keys_of_each_image_stay_in_any_order():
    keys = [key(B, 2), key(A, 9), key(B, 0), key(A, 1), key(B, 1), key(B, 3)]
    assert sorted(beyond(keys, 2)) == [key(B, 2), key(B, 3)]
    assert sorted(beyond(keys, 1)) == [key(A, 9), key(B, 1), key(B, 2), key(B, 3)]
    assert list(beyond(keys, 6)) == []


def test_an_image_that_has_all_it_may_have_is_known_by_its_last_key():
    keys = [key(B, 1), key(A, 5), key(B, 0)]
    assert last_keys(keys, 2) == {B: key(B, 1)}
    assert last_keys(keys, 4) == {}


def test_copies_of_captions_beyond_the_limit_get_its_reason_and_all_are_counted():
    kept = [key(A, 0), key(A, 1), key(B, 0), key(B, 1)]
    table = rejected(
        (key(A, 7), "too_many_captions"),
        (key(A, 7), "too_many_captions"),
        (key(A, 6), "duplicate_pair"),
        (key(A, 1), "duplicate_pair"),
        (key(A, 8), "caption_too_long"),
        (key(B, 0), "duplicate_pair"),
    )
    assert told(counted(table, kept, 2)) == [
        ("too_many_captions", 4.0, 2.0),
        ("too_many_captions", 4.0, 2.0),
        ("too_many_captions", 4.0, 2.0),
        ("duplicate_pair", None, None),
        ("caption_too_long", None, None),
        ("duplicate_pair", None, None),
    ]


def test_where_no_image_is_crowded_nothing_changes():
    table = rejected((key(A, 0), "duplicate_pair"))
    assert counted(table, [key(A, 0)], 1) is table

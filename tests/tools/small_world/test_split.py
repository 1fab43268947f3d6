"""What is held out of a world of drawn stand-ins: no package is needed."""

import json
from itertools import product

import numpy as np
import pytest

from tools.small_world.make_world import judged, trained
from tools.small_world.questions import questions
from tools.small_world.shapes import CONVERSES, count_combinations, counted, related
from tools.small_world.split import combination_of, kept_orders, parts
from tools.small_world.things import SIDE, TEMPLATES, Thing, captions, fraction, on_white

ROLES = [f"role {n}" for n in range(30)]
BLANK = np.zeros((SIDE, SIDE, 3), np.uint8)
GENDERS, TONES = ("man", "woman", "person"), ("yellow", "light", "medium dark", "dark")


def person(style: str, role: str, gender: str, tone: str) -> Thing:
    values = {"gender": gender, "role": role, "tone": tone}
    shade = int(fraction(style, role, gender, tone) * 2**24)
    pixels = np.frombuffer(shade.to_bytes(3, "big"), np.uint8)
    return Thing("person", values, style, np.broadcast_to(pixels, (SIDE, SIDE, 3)))


@pytest.fixture(scope="module")
def things() -> list[Thing]:
    styles = ("noto", "twemoji")
    found = [person(*each) for each in product(styles, ROLES, GENDERS, TONES)]
    rng = np.random.default_rng(0)
    found += [counted(one, rng) for one in count_combinations() for _ in range(3)]
    for first, second in [("red circle", "blue square"), ("black square", "yellow triangle")]:
        for relation, converse in CONVERSES.items():
            values = {"first": first, "second": second}
            found.append(related(values | {"relation": relation, "converse": converse}, rng))
    return found


def test_combinations_are_held_out_whose_every_pair_is_seen(things: list[Thing]) -> None:
    split = parts(things)
    people = [
        (thing, part) for thing, part in zip(things, split, strict=True) if thing.kind == "person"
    ]
    pairs: dict[str, set[tuple[str, str]]] = {p: set() for p in ("kept", "combination", "pair")}
    for thing, part in people:
        gender, role, tone = thing.attributes.values()
        pairs[part] |= {(gender, role), (role, tone), (gender, tone)}
    assert pairs["combination"] <= pairs["kept"]
    share = np.mean([part == "combination" for _, part in people])
    assert 0.05 < share < 0.15


def test_a_hard_pair_is_in_no_picture_that_is_kept(things: list[Thing]) -> None:
    split = parts(things)
    hard = [thing for thing, part in zip(things, split, strict=True) if part == "pair"]
    kept = [thing for thing, part in zip(things, split, strict=True) if part == "kept"]
    roles = {thing.attributes["role"] for thing in hard if thing.kind == "person"}
    assert 3 < len(roles) < 17
    assert not any(
        thing.attributes.get("role") in roles and thing.attributes["tone"] == "medium dark"
        for thing in kept
        if thing.kind == "person"
    )
    assert not any("yellow triangle" in " ".join(thing.attributes.values()) for thing in kept)


def test_both_styles_and_both_ways_to_say_it_are_on_the_same_side(things: list[Thing]) -> None:
    split: dict[tuple[str, ...], set[str]] = {}
    for thing, part in zip(things, parts(things), strict=True):
        split.setdefault(combination_of(thing), set()).add(part)
    assert all(len(found) == 1 for found in split.values())
    left, right = ({"first": a, "second": b} for a, b in (("x y", "z w"), ("z w", "x y")))
    one = Thing("relation", left | {"relation": "left of", "converse": "right of"}, "", BLANK)
    other = Thing("relation", right | {"relation": "right of", "converse": "left of"}, "", BLANK)
    assert combination_of(one) == combination_of(other)


def test_the_last_word_order_is_never_kept_and_one_always_is(things: list[Thing]) -> None:
    for thing in things:
        kept = kept_orders(thing)
        assert kept
        assert len(TEMPLATES[thing.kind]) - 1 not in kept


def test_no_caption_that_is_asked_for_is_trained_on(things: list[Thing]) -> None:
    trained_on = {row["caption"] for row in trained(things)}
    asked = [row for row in judged(things, 50) if row["asked"] != "gallery"]
    assert {row["asked"] for row in asked} == {"combination", "order", "new order", "pair"}
    assert not trained_on & {row["caption"] for row in asked}
    seen = [q for q in questions(things, 50) if q.asked == "trained" and q.kind == "person"]
    assert all(question.caption in trained_on for question in seen)
    assert json.loads(asked[0]["attributes"])


def test_a_caption_without_style_means_the_default_one() -> None:
    noto = person("noto", "cook", "woman", "dark")
    assert list(captions(noto, 0)) == [
        "a woman cook with dark skin",
        "a woman cook with dark skin, noto style",
    ]
    twemoji = person("twemoji", "cook", "woman", "dark")
    assert list(captions(twemoji, 1)) == ["twemoji style, a dark skin woman cook"]


def test_transparent_pixels_are_white() -> None:
    rgba = np.array([[[0, 0, 0, 0], [10, 20, 30, 255], [0, 0, 0, 128]]], np.uint8)
    assert on_white(rgba).tolist() == [[[255, 255, 255], [10, 20, 30], [127, 127, 127]]]

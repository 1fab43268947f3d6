"""The captions by which the shipped prior is judged, each with the picture that it describes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from tools.small_world.split import Part, kept_orders, parts
from tools.small_world.things import TEMPLATES, Thing, captions, fraction

Asked = Literal["trained", "combination", "order", "new order", "pair"]


class Question(NamedTuple):
    """A caption and what it describes.

    Args:
        asked: what of it was held out: nothing; its combination; its word order, where others of
            its combination were seen, or of every combination; a pair of its attributes.
        kind: of the thing.
        thing: its number.
        caption: in one word order and, by turns, with the style or without.
    """

    asked: Asked
    kind: str
    thing: int
    caption: str


def questions(things: Sequence[Thing], most: int) -> list[Question]:
    """Of each kind and each part of the split, so many captions, in an order that mixes them.

    Of rendered shapes a combination is asked for once for each of its pictures, at most.
    """
    by_part: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in _all(things):
        by_part[question.kind, question.asked].append(question)
    chosen: list[Question] = []
    for found in by_part.values():
        distinct = list({question.caption: question for question in found}.values())
        chosen += sorted(distinct, key=lambda q: fraction("question", q.asked, q.caption))[:most]
    return chosen


def _all(things: Sequence[Thing]) -> Iterator[Question]:
    """One question for each thing and order, without captions of the training but for `trained`."""
    of_things = parts(things)
    trained = {
        caption
        for thing, part in zip(things, of_things, strict=True)
        if part == "kept"
        for order in kept_orders(thing)
        for caption in captions(thing, order)
    }
    for number, (thing, part) in enumerate(zip(things, of_things, strict=True)):
        kept, last = kept_orders(thing), len(TEMPLATES[thing.kind]) - 1
        for order in range(last + 1):
            worded = list(captions(thing, order))
            caption = worded[(number + order) % len(worded)]
            asked = _asked(part, is_last=order == last, is_kept=order in kept)
            is_asked = part == "kept" or order in kept  # else more than one part of it is new
            if is_asked and (caption in trained) == (asked == "trained"):
                yield Question(asked, thing.kind, number, caption)


def _asked(part: Part, *, is_last: bool, is_kept: bool) -> Asked:
    if part != "kept":
        return part
    if is_last:
        return "new order"
    return "trained" if is_kept else "order"

"""The web under construction: what each URL answers, and what kinds of images it shows."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import ENDINGS
from tools.demo_web.pages import PLAIN, STYLES, Page, Shown, markup
from tools.demo_web.selection import Artwork

# Their point is the spelling of the address or the length of the text, which a style may change.
_PLAIN_KINDS = frozenset({"long", "respelled address"})


@dataclass(frozen=True)
class Placed:
    """An image on the web: its address and its bytes."""

    url: str
    artwork: Artwork
    encoded: bytes


class Web:
    """Answers by URL, in the order in which they were given."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.kinds: Counter[str] = Counter()

    def answer(self, answer: Answer) -> str:
        """Give a URL its answer; each may be given once."""
        if answer.url in self.answers:
            raise ValueError(f"two answers for {answer.url}")
        self.answers[answer.url] = answer
        return answer.url

    def image(self, url: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> str:
        """A file of the type that its suffix names."""
        kind = ENDINGS[url.partition("?")[0].rsplit(".", 1)[1]]
        return self.answer(Answer(url, body, kind, headers=tuple(headers)))

    def page(self, kind: str, page: Page) -> None:
        """A page, its images counted as `kind`."""
        charset = "" if page.extra else f"; charset={page.declared_charset}"
        self.answer(Answer(page.url, markup(page), f"text/html{charset}"))
        self.kinds[kind] += sum(bool(shown.text.strip()) for shown in page.shown)

    def pages(self, host: str, kind: str, shown: Sequence[Shown], **options: Any) -> None:
        """As many pages as the images need, under a folder named after their kind."""
        for number, items in in_pages(shown, 20):
            is_plain = "charset" in options or kind in _PLAIN_KINDS
            style = PLAIN if is_plain else STYLES[(len(kind) + number) % 4]
            url = f"http://{host}/{kind.replace(' ', '-')}/{number}.html"
            page = Page(url, f"{kind.capitalize()} {number}", items, style)
            self.page(kind, replace(page, **options))


def in_pages(shown: Sequence[Shown], size: int = 16) -> Iterator[tuple[int, tuple[Shown, ...]]]:
    """Cut into pages, numbered from one."""
    for start in range(0, len(shown), size):
        yield start // size + 1, tuple(shown[start : start + size])

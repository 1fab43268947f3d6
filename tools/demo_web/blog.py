"""A blog that shows the images of the galleries again, with the alt texts of bad blogs."""

from collections.abc import Sequence
from dataclasses import replace

from tools.demo_web.archive import Answer
from tools.demo_web.encodings import palette_png
from tools.demo_web.pages import RELATIVE, Page, Shown
from tools.demo_web.selection import Artwork
from tools.demo_web.texts import (
    CHARSETS,
    DATES,
    FILE_NAMES,
    LONG,
    MONTHS,
    ONE_WORD,
    PHRASES,
    REPEATED,
    SYMBOLS,
    TRANSLATIONS,
)
from tools.demo_web.web import Placed, Web

BLOG = "blog.demo.test"


def build(web: Web, placed: Sequence[Placed], foreign: Sequence[Artwork]) -> None:
    """All of the blog; its robots.txt begins with a byte order mark."""
    rules = b"\xef\xbb\xbfUser-agent: *\nDisallow: /wp-admin/\n"
    web.answer(Answer(f"http://{BLOG}/robots.txt", rules, "text/plain"))
    _bad_captions(web, placed)
    _other_languages(web, placed, foreign)


def _bad_captions(web: Web, placed: Sequence[Placed]) -> None:
    """The images of the galleries once more, on a blog with badly written alt texts."""
    kinds = {
        "file name": (45, FILE_NAMES),
        "date": (40, DATES),
        "phrase": (40, PHRASES),
        "one word": (40, ONE_WORD),
        "repetition": (25, REPEATED),
        "symbols": (15, SYMBOLS),
        "long": (12, (LONG,)),
        "shouting": (35, ("{shout}",)),
        "empty": (30, ("", " ")),
    }
    start = 0
    for kind, (count, texts) in kinds.items():
        items = placed[start : start + count]
        shown = [
            Shown(item.url, texts[n % len(texts)].format(**_words(start + n, item)))
            for n, item in enumerate(items)
        ]
        web.pages(BLOG, kind, shown)
        start += count


def _words(n: int, item: Placed) -> dict[str, object]:
    caption = item.artwork.caption
    word = caption.split(",")[0].split()[-1].lower()
    month = MONTHS[n % len(MONTHS)]
    numbers: dict[str, object] = {"n": 1000 + 37 * n, "d": n % 27 + 1, "m": n % 9 + 1}
    texts = {"slug": item.artwork.slug.replace("-", "_"), "month": month, "caption": caption}
    return {**numbers, **texts, "w": word, "word": word, "shout": caption.upper()}


def _other_languages(web: Web, placed: Sequence[Placed], foreign: Sequence[Artwork]) -> None:
    """Translated captions on emoji, and clip art with the Italian or French title of its author."""
    by_slug = {item.artwork.slug: item.url for item in placed}
    for language in sorted({language for _, language, _ in TRANSLATIONS}):
        shown = [
            Shown(by_slug[name.replace("_", "-")], text)
            for name, its_language, text in TRANSLATIONS
            if its_language == language and name.replace("_", "-") in by_slug
        ]
        url = f"http://{BLOG}/{language}/index.html"
        page = Page(url, language, tuple(shown), RELATIVE, language=language)
        web.page("other language", replace(page, charset=CHARSETS.get(language, "utf-8")))
    shown = [
        Shown(
            web.image(f"http://{BLOG}/estero/{item.slug}.png", palette_png(item.image)),
            item.caption,
        )
        for item in foreign
    ]
    web.pages(BLOG, "other language", shown, language="it", charset="iso-8859-1")

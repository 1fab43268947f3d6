"""What somebody has to begin with, as far as a first look tells: what their first config is of."""

from dataclasses import dataclass
from typing import Literal

MAX_COMMENT = 300  # characters; chosen: three lines of a terminal
COMMENTS = 34  # the column where they begin in a config; chosen: behind most settings

# Of most images: from the markup of pages, by the owner of the images, or there are none.
Captions = Literal["web", "own", "none"]


@dataclass(frozen=True)
class Material:
    """What is at a path or a site.

    Args:
        found: lines for a person.
        section: of the config, in YAML, of the stage that reads it.
        num_pairs: of image and caption, roughly.
        captions: where those of most images are from.
        codec: whose tokens are wanted: a name, or a URL.
        keeps_all: whether every image is wanted, whatever its caption and shape.
        like: URL of token shards, or of their run, whose crops are wanted; empty for none.
    """

    found: tuple[str, ...]
    section: str
    num_pairs: int
    captions: Captions
    codec: str = "demo"
    keeps_all: bool = False
    like: str = ""


def line(setting: str, comment: str) -> str:
    """A line of YAML with a comment, below those of other lines."""
    return f"{setting:<{COMMENTS}} # {in_one_line(comment)}"


def in_one_line(comment: str) -> str:
    """A comment without what would end it, such as a line break in the name of a column."""
    return "".join(c if c.isprintable() else " " for c in comment[:MAX_COMMENT])


def quoted(text: str) -> str:
    """A text in quotes, as YAML reads it; what cannot be seen is spelled.

    JSON would spell a character beyond U+FFFF as two halves, which YAML does not join.
    """
    return '"' + "".join(map(_spelled, text)) + '"'


def section(name: str, *lines: str) -> str:
    """A section of a config, whose lines are indented already."""
    return "\n".join([f"{name}:", *lines])


def _spelled(character: str) -> str:
    if not character.isprintable():
        return f"\\U{ord(character):08x}"
    return f"\\{character}" if character in '"\\' else character

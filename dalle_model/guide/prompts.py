r"""Prompts as they are typed: `a red heart:1 | a blue square:0.5 | face.png | text:-0.3`.

A part is `TEXT`, `TEXT:WEIGHT` or `TEXT:WEIGHT:STOP`. A colon before a space and a word, and those
of a URL, are of the text; so is any after a backslash, as in `a clock at 3\:30`, and `\|` is a
stroke. What ends as the name of an image is one, and the picture is guided towards it.

Source: the notation, the defaults and the meaning of a stop are those of Crowson's notebooks,
`parse_prompt`. They take whatever follows the last colon as a weight, and end with a traceback.
"""

import math
import re
from dataclasses import dataclass

from dalle_model.errors import UsageError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")  # that a prompt may end in
_STROKE = re.compile(r"(?<!\\)\|")
_COLON = re.compile(r"(?<!\\):(?!//)")  # not that behind the scheme of a URL
_PORT = re.compile(r"\d+/")  # of a URL, as in `http://host:8080/x.png`
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_ESCAPED = re.compile(r"\\([:|])")
_FORM = "a part is TEXT, TEXT:WEIGHT or TEXT:WEIGHT:STOP, such as `a red heart:0.5`"


class PromptError(UsageError):
    """Prompts cannot be read: which part, what is wrong with it, and what is meant."""


@dataclass(frozen=True)
class Prompt:
    """What a picture is guided towards, or away from.

    Args:
        text: a caption, or the path or URL of an image.
        weight: of its loss; below 0 the picture is guided away from it.
        stop: a distance with the sign of the weight, at which it has no more say: closer than that,
            or further away than `-stop` of a negative weight.
    """

    text: str
    weight: float = 1.0
    stop: float = -math.inf

    @property
    def is_image(self) -> bool:
        """Whether the text names an image."""
        return self.text.lower().endswith(IMAGE_SUFFIXES)


def parse_prompts(line: str) -> list[Prompt]:
    """The prompts of a line, in its order.

    Raises:
        PromptError: a part is empty, or has no number where one is meant; or all weights are 0.
    """
    prompts = [_prompt(number, part) for number, part in enumerate(_STROKE.split(line), 1)]
    if not any(prompt.weight for prompt in prompts):
        raise PromptError(
            f"all weights of {line!r} are 0, so nothing guides the picture; give one of them "
            "another weight"
        )
    return prompts


def _prompt(number: int, part: str) -> Prompt:
    text, *fields = _fields(part)
    if not text.strip():
        raise PromptError(f"part {number} of the prompts, {part.strip()!r}, has no text: {_FORM}")
    if len(fields) > 2:
        raise PromptError(f"part {number}, {part.strip()!r}, has {len(fields)} colons: {_FORM}")
    names = ("weight", "stop")[: len(fields)]
    for name, field in zip(names, fields, strict=True):
        if not _NUMBER.fullmatch(field.strip()):
            raise PromptError(
                f"part {number}, {part.strip()!r}: its {name} {field.strip()!r} is no number; "
                rf"{_FORM}, and `\:` is a colon of the text"
            )
    return Prompt(_ESCAPED.sub(r"\1", text).strip(), *map(float, fields))


def _fields(part: str) -> list[str]:
    """The text and what follows it, parted by the colons that are of neither text nor URL."""
    text, *fields = _COLON.split(part)
    while fields and (_PORT.match(fields[0]) or _is_prose(fields[0])):
        text = f"{text}:{fields.pop(0)}"
    return [text, *fields]


def _is_prose(field: str) -> bool:
    return field[:1].isspace() and not _NUMBER.fullmatch(field.strip())

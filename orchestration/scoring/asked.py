"""What is to be scored, as somebody has named it."""

import logging
from collections.abc import Sequence

from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb
from orchestration.drawing.completions import as_codec_takes_it, how_taken
from orchestration.drawing.samples import read_captions
from orchestration.drawing.sources import Source
from orchestration.pictures import read_picture

_LOG = logging.getLogger(__name__)

Texts = str | Sequence[str]


def asked_captions(
    image: str, captions: Texts, captions_file: str, text: Texts, heat_map: str
) -> list[str]:
    """The captions of an image, or texts without one, each once.

    Args:
        image: URL, empty for none.
        captions: of the image.
        captions_file: URL of a text with further ones.
        text: texts to score without an image.
        heat_map: URL of a map of the image.

    Raises:
        UsageError: there is nothing to score, or an image and texts without one.
    """
    if alone := _several(text):
        if image or _several(captions) or captions_file or heat_map:
            raise UsageError("--text scores a caption alone: name no image beside it, nor its map")
        return list(dict.fromkeys(alone))
    if not image:
        raise UsageError(
            'name an image and captions: dalle score cat.png "a cat" "a dog"; or --text "a cat"'
        )
    named = _several(captions) + (read_captions(captions_file) if captions_file else [])
    if not named:
        raise UsageError(
            f"name captions of {image}, behind it or in a file with one a line: --captions FILE"
        )
    return list(dict.fromkeys(named))


def read_for(source: Source, url: str) -> tuple[Rgb, str]:
    """An image as the codec of a prior takes it, and a note that says how.

    Raises:
        PictureError: it cannot be used.
    """
    original, facts = read_picture(url), source.codec.facts
    return as_codec_takes_it(original, url, facts), how_taken(original, facts)


def warn_of_cuts(source: Source, captions: list[str]) -> None:
    """Log what the prior does not read of captions."""
    from dalle_model.sample.images import warning_of_cuts

    if warning := warning_of_cuts(source.trained, captions):
        _LOG.warning("%s", warning)


def _several(texts: Texts) -> list[str]:
    """One text or several; an empty one for none."""
    return [texts] if isinstance(texts, str) and texts else list(texts)

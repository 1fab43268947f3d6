"""Images that keep a part of one, drawn by the prior of a run or by another."""

from dataclasses import dataclass

from dalle_model.pixels import Rgb, crop_box
from dalle_model.resize import rectangle
from dalle_model.settings import SampleSettings
from dalle_model.tokenizers.codec import CodecFacts
from orchestration.drawing.choice import Choice, Row, chosen
from orchestration.drawing.sources import Source
from orchestration.engine.progress import Progress
from orchestration.pictures import PictureError, read_picture


@dataclass(frozen=True)
class Prompt:
    """What is asked for: an image, the part of it that stays, and what the whole shall show.

    Args:
        image: URL of an image.
        caption: of the whole.
        keep: as of `dalle_model.sample.keep.parse_keep`.
        keeps_pixels: whether the part is that of the image, pixel for pixel, in what is drawn.
    """

    image: str
    caption: str
    keep: str
    keeps_pixels: bool = False


@dataclass(frozen=True)
class Completed:
    """What was drawn.

    Args:
        row: the images.
        part: uint8 `(height, width, 3)`, what was kept, and blank around it.
        notes: what was made of the image, and what was kept of it, for a person.
    """

    row: Row
    part: Rgb
    notes: tuple[str, ...]


def draw_completions(
    source: Source, prompt: Prompt, choice: Choice, settings: SampleSettings, progress: Progress
) -> Completed:
    """Draw the rest of an image.

    Raises:
        PictureError: the image cannot be used.
        KeepError: what is to be kept makes no sense.
        ScorerError: the scorer cannot be used.
    """
    from dalle_model.sample.completions import complete_image, part_of, with_part
    from dalle_model.sample.keep import parse_keep

    facts = source.codec.facts
    keep, scorer = parse_keep(prompt.keep, facts), choice.load()
    original = read_picture(prompt.image)
    image = as_codec_takes_it(original, prompt.image, facts)
    trained, codec, caption, n = source.trained, source.codec, prompt.caption, choice.num_drawn
    drawn = complete_image(trained, codec, image, caption, keep, n, settings, progress.step)
    if prompt.keeps_pixels:
        drawn = with_part(drawn, image, keep.pixels())
    row = chosen(drawn, source.name, caption, choice, scorer)
    return Completed(row, part_of(image, keep), (how_taken(original, facts), f"kept     {keep}"))


def as_codec_takes_it(original: Rgb, url: str, facts: CodecFacts) -> Rgb:
    """The largest centred rectangle of an image, scaled to the shape of a codec.

    Args:
        original: uint8 `(height, width, 3)`.
        url: of the image, for the error message.
        facts: of the codec.

    Raises:
        PictureError: it is smaller.
    """
    try:
        return rectangle(original, facts.image_shape, facts.resample)
    except ValueError as error:
        raise PictureError(f"{url}: {error}, since the codec {facts.name} takes no less") from error


def how_taken(original: Rgb, facts: CodecFacts) -> str:
    """What `as_codec_takes_it` does with an image, for a person."""
    height, width = original.shape[:2]
    left, top, right, bottom = crop_box(width, height, facts.image_shape)
    cut = (right - left, bottom - top)
    size = "x".join(map(str, facts.image_shape[::-1]))
    middle = f"its middle, {cut[0]}x{cut[1]}, " if cut != (width, height) else ""
    return f"image    {width}x{height} px; {middle}taken as {size} px"

"""Images for captions, drawn by one prior or by several."""

from collections.abc import Sequence

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.progress import OnStep
from dalle_model.settings import SampleSettings
from orchestration.drawing.choice import Choice, Row, chosen
from orchestration.drawing.sources import Source
from orchestration.engine.progress import Progress


def draw_samples(
    sources: Sequence[Source],
    captions: Sequence[str],
    choice: Choice,
    settings: SampleSettings,
    progress: Progress,
) -> list[Row]:
    """A row for each caption, by each source in turn.

    Raises:
        ScorerError: the scorer cannot be used.
    """
    from dalle_model.sample.images import draw_images

    scorer, rows = choice.load(), list[Row]()
    total = len(sources) * len(captions) * choice.num_drawn
    for index, source in enumerate(sources):
        on_step = _behind(index * total // len(sources), total, progress)
        trained, codec = source.trained, source.codec
        drawn = draw_images(trained, codec, list(captions), choice.num_drawn, settings, on_step)
        rows += [
            chosen(images, source.name, caption, choice, scorer)
            for images, caption in zip(drawn, captions, strict=True)
        ]
    return rows


def _behind(before: int, total: int, progress: Progress) -> OnStep:
    """Tells of steps behind those that another source has done."""
    return lambda step, _total, _metrics: progress.step(before + step, total)


def read_captions(url: str) -> list[str]:
    """The captions of a text file, one a line; empty lines are passed over.

    Raises:
        UsageError: it is missing, no text, or empty.
    """
    try:
        lines = files.read_bytes(url).decode("utf-8-sig").splitlines()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UsageError(f"there is no file of captions at {url}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{url} is no text in UTF-8; captions are one a line") from error
    captions = [line.strip() for line in lines if line.strip()]
    if not captions:
        raise UsageError(f"{url} holds no caption; captions are one a line")
    return captions

"""The commands that draw: images by a trained prior."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from dalle_model.errors import UsageError
from dalle_model.settings import SampleSettings
from orchestration.drawing.choice import Choice
from orchestration.engine.latest import latest_run
from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from orchestration.drawing.sheet import Drawn


def sample(  # noqa: PLR0913 - the options of the command
    captions: str | Sequence[str] = (),
    number: int = 8,
    directory: str = "",
    out: str = "samples.png",
    *,
    captions_file: str = "",
    prior: str | Sequence[str] = (),
    settings: SampleSettings | None = None,
    best_of: int = 0,
    scorer: str = "",
    writes_json: bool = False,
    progress: Progress | None = None,
) -> "Drawn":
    """Draw images for captions, as one PNG.

    A warning in the log tells what the prior does not read of a long caption.

    Args:
        captions: what the images should show: one text, or several.
        number: of images of each caption.
        directory: of the run whose prior draws; the latest below `runs` by default.
        out: URL of the PNG to write; a folder, or one that ends with `/`, gets each image, too.
        captions_file: URL of a text with further captions, one a line.
        prior: draws in place of a run's: `world`, which ships, the URL of another, or several.
        settings: how they are drawn.
        best_of: images of each caption that are drawn, of which the best are shown; 0 for no more
            than those.
        scorer: that tells which are the best, as of `dalle_model.clip.registry.load_scorer`; the
            one that ships by default. Without `best_of`, it orders those that are shown.
        writes_json: whether a JSON beside the PNG says number and score of each image.
        progress: receives each step.

    Raises:
        UsageError: an argument is wrong, or there is no caption.
        NoPriorError: there is no prior.
        CheckpointError: a prior or a codec cannot be used.
    """
    from orchestration.drawing.samples import draw_samples, read_captions
    from orchestration.drawing.sheet import write_drawn
    from orchestration.drawing.sources import load_sources

    choice, follow = Choice(number, best_of, scorer), progress or Quiet()
    settings = settings or SampleSettings()
    texts = _several(captions) + (read_captions(captions_file) if captions_file else [])
    if not texts:
        raise UsageError("name a caption, or a file that has one a line: --captions FILE")
    priors = list(dict.fromkeys(_several(prior)))
    sources = load_sources(priors, "" if priors else directory or latest_run())
    with follow.stage("sample"):
        rows = draw_samples(sources, texts, choice, settings, follow)
        return write_drawn(rows, out, _about(choice, settings), writes_json=writes_json)


def complete(  # noqa: PLR0913 - the options of the command
    image: str,
    caption: str,
    keep: str,
    number: int = 8,
    directory: str = "",
    out: str = "completions.png",
    *,
    prior: str = "",
    keeps_pixels: bool = False,
    settings: SampleSettings | None = None,
    best_of: int = 0,
    scorer: str = "",
    writes_json: bool = False,
    progress: Progress | None = None,
) -> "Drawn":
    """Keep a part of an image and draw the rest for a caption, as a PNG that begins with the part.

    The part is encoded, and the prior draws the other tokens in its own order, row by row. Tokens
    that are kept behind drawn ones are not seen by these; a warning in the log counts them.

    Args:
        image: URL of a JPEG, PNG, WebP or GIF, of which the largest centred
            rectangle of the codec's shape is taken.
        caption: of the whole image that is to be.
        keep: `top=0.5`, `box=x0,y0,x1,y1`, or `outside=x0,y0,x1,y1` for all but that; in fractions
            or, where a number is above 1, in pixels of the image as the codec takes it.
        number: of images.
        directory: of the run whose prior draws; the latest below `runs` by default.
        out: as for `sample`.
        prior: draws in place of a run's: `world`, which ships, or the URL of another.
        keeps_pixels: whether the part stays pixel for pixel, in place of what its tokens hold.
        settings: how the rest is drawn.
        best_of: as for `sample`.
        scorer: as for `sample`.
        writes_json: as for `sample`.
        progress: receives each step.

    Raises:
        UsageError: an argument is wrong, or the image cannot be used.
        NoPriorError: there is no prior.
        CheckpointError: a prior or a codec cannot be used.
    """
    from orchestration.drawing.completions import Prompt, draw_completions
    from orchestration.drawing.sheet import write_drawn
    from orchestration.drawing.sources import load_sources

    choice, follow = Choice(number, best_of, scorer), progress or Quiet()
    settings = settings or SampleSettings()
    (source,) = load_sources(_several(prior), "" if prior else directory or latest_run())
    prompt = Prompt(image, caption, keep, keeps_pixels)
    with follow.stage("complete"):
        done = draw_completions(source, prompt, choice, settings, follow)
        about = _about(choice, settings) | {"image": image, "keep": keep}
        return write_drawn(
            [done.row], out, about, (done.part, "given"), writes_json=writes_json, notes=done.notes
        )


def _several(texts: str | Sequence[str]) -> list[str]:
    """One text or several; an empty one for none."""
    return [texts] if isinstance(texts, str) and texts else list(texts)


def _about(choice: Choice, settings: SampleSettings) -> dict[str, object]:
    about = asdict(settings) | {"drawn": choice.num_drawn}
    return about | ({"scorer": choice.scored_by} if choice.scored_by else {})

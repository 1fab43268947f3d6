"""The commands that draw: images by a trained prior."""

from dalle_model.settings import SampleSettings
from orchestration.engine.latest import latest_run
from orchestration.engine.progress import Progress, Quiet


def sample(
    caption: str,
    number: int = 8,
    directory: str = "",
    out: str = "samples.png",
    *,
    prior: str = "",
    settings: SampleSettings | None = None,
    progress: Progress | None = None,
) -> str:
    """Draw images for a caption, as one PNG; its URL.

    A warning in the log tells what the prior does not read of a long caption.

    Args:
        caption: what the images should show.
        number: of images.
        directory: of the run whose prior draws; the latest below `runs` by default.
        out: URL of the PNG to write.
        prior: draws in place of a run's: `world`, which ships, or the URL of another.
        settings: how they are drawn.
        progress: receives each step.
    """
    from orchestration.drawing.samples import draw_samples, draw_with_prior

    draw, source = (draw_with_prior, prior) if prior else (draw_samples, directory or latest_run())
    follow = progress or Quiet()
    with follow.stage("sample"):
        return draw(source, caption, number, out, settings or SampleSettings(), follow)

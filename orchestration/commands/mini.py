"""The command that draws by a DALL·E mini, with the parameters of its notebook."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from dalle_model.errors import UsageError
from dalle_model.mini.settings import MiniDrawing
from orchestration.drawing.choice import Choice
from orchestration.engine.latest import latest_run
from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from orchestration.drawing.sheet import Drawn


def mini(  # noqa: PLR0913 - the options of the command
    captions: str | Sequence[str],
    n: int = 8,
    directory: str = "",
    out: str = "mini.png",
    *,
    checkpoint: str = "",
    codec: str = "",
    settings: MiniDrawing | None = None,
    scorer: str = "",
    writes_json: bool = False,
    progress: Progress | None = None,
) -> "Drawn":
    """Draw images for captions by a DALL·E mini, as one PNG.

    Args:
        captions: what the images should show: one text, or several.
        n: images of each caption.
        directory: of the run whose mini draws; the latest below `runs` by default.
        out: as for `sample`.
        checkpoint: URL of a mini that draws in place of a run's.
        codec: name or URL of the codec that decodes; by default that of the run, or the shipped one
            whose codes the checkpoint was trained on.
        settings: how they are drawn.
        scorer: a CLIP whose scores stand beside the images, the best one first; none by default.
        writes_json: as for `sample`.
        progress: receives each step.

    Raises:
        UsageError: an argument is wrong, or there is no caption.
        NoPriorError: there is no mini, or no codec for it.
        CheckpointError: one of them cannot be used, or they do not belong together.
    """
    from dalle_model.sample.mini import generate_images
    from orchestration.drawing.choice import chosen
    from orchestration.drawing.minis import load_mini_source
    from orchestration.drawing.sheet import write_drawn

    texts = [captions] if isinstance(captions, str) else list(captions)
    if not texts:
        raise UsageError('name a caption, such as `dalle mini "a red apple"`')
    choice, settings, follow = Choice(n, 0, scorer), settings or MiniDrawing(), progress or Quiet()
    source = load_mini_source(checkpoint, "" if checkpoint else directory or latest_run(), codec)
    by = choice.load()
    with follow.stage("mini"):
        drawn = generate_images(source.trained, source.codec, texts, n, settings, follow.step)
        rows = [
            chosen(images, source.name, caption, choice, by)
            for images, caption in zip(drawn, texts, strict=True)
        ]
        about = asdict(settings) | {"drawn": n} | ({"scorer": scorer} if scorer else {})
        return write_drawn(rows, out, about, writes_json=writes_json)

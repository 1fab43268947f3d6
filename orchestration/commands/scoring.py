"""The command that asks a prior how likely images and captions are."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orchestration.engine.latest import latest_run

if TYPE_CHECKING:
    from orchestration.scoring.scores import Scores


def score(
    image: str = "",
    captions: str | Sequence[str] = (),
    directory: str = "",
    *,
    captions_file: str = "",
    prior: str = "",
    text: str | Sequence[str] = (),
    heat_map: str = "",
) -> "Scores":
    """Rank captions for an image by how likely a prior finds it under each; or score texts alone.

    A warning in the log tells what the prior does not read of a long caption.

    Args:
        image: URL of a JPEG, PNG, WebP or GIF, of which the largest centred
            rectangle of the codec's shape is taken.
        captions: of the image: one text, or several; equal ones count once.
        directory: of the run whose prior is asked; the latest below `runs` by default.
        captions_file: URL of a text with further captions, one a line.
        prior: asked in place of a run's: `world`, which ships, or the URL of another.
        text: captions whose own likelihood is asked for, in place of an image and its captions.
        heat_map: URL of a PNG to write, with the image and what its tokens cost under each caption.

    Raises:
        UsageError: an argument is wrong, there is no caption, or the image cannot be used.
        NoPriorError: there is no prior.
        CheckpointError: the prior or its codec cannot be used.
    """
    from dalle_model import files
    from dalle_model.evaluate.caption_scores import score_captions
    from orchestration.drawing.sources import load_sources
    from orchestration.scoring.asked import asked_captions, read_for, warn_of_cuts
    from orchestration.scoring.heat_map import draw_heat_map
    from orchestration.scoring.scores import Scores

    texts = asked_captions(image, captions, captions_file, text, heat_map)
    (source,) = load_sources([prior] if prior else [], "" if prior else directory or latest_run())
    warn_of_cuts(source, texts)
    if not image:
        return Scores(source.name, score_captions(source.trained, source.codec, texts))
    pixels, note = read_for(source, image)
    found = score_captions(source.trained, source.codec, texts, pixels)
    if not heat_map:
        return Scores(source.name, found, (note,))
    files.write_bytes(heat_map, draw_heat_map(pixels, found))
    return Scores(source.name, found, (note, f"map      {heat_map}"))

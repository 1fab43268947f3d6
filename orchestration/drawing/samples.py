"""Images for a caption, drawn by the prior of a run or by another, as a sheet."""

import numpy as np

from dalle_model import files
from dalle_model.pixels import to_png
from dalle_model.settings import SampleSettings
from orchestration.drawing.sources import NoPriorError, codec_url, opened
from orchestration.engine.progress import Progress
from pipelines.records import PRIOR


def draw_samples(
    root: str, caption: str, number: int, out: str, settings: SampleSettings, progress: Progress
) -> str:
    """Images for one caption, as a PNG.

    Returns:
        `out`, the URL of the PNG.

    Raises:
        NoPriorError: the run has no prior.
        CheckpointError: its prior or codec cannot be used.
    """
    from dalle_model.sample.grid import image_grid
    from dalle_model.sample.images import sample_images
    from dalle_model.tokenizers.registry import load_codec

    graph, run = opened(root)
    url = graph.url(PRIOR, run)
    if url is None or not files.exists(url):
        raise NoPriorError(f"{root} has no prior; `dalle train prior` makes one")
    codec = load_codec(codec_url(graph, run))
    images = sample_images(url, codec, [caption], number, settings, progress.step)
    files.write_bytes(out, to_png(np.asarray(image_grid(list(images), [caption]))))
    return out


def draw_with_prior(
    prior: str, caption: str, number: int, out: str, settings: SampleSettings, progress: Progress
) -> str:
    """Images for one caption without a run, as a PNG.

    Args:
        prior: `world` for the one that ships, or the URL of one that was trained on codes of a
            shipped codec.
        caption: what the images should show.
        number: of images.
        out: URL of the PNG to write.
        settings: how they are drawn.
        progress: receives each step.

    Raises:
        NoPriorError: it was trained on codes of a codec that does not ship.
        CheckpointError: the prior cannot be used.
    """
    from dalle_model.prior.shipped import prior_url
    from dalle_model.prior.trained import load_prior
    from dalle_model.sample.grid import image_grid
    from dalle_model.sample.images import draw_images
    from dalle_model.tokenizers.registry import load_codec, shipped_codec

    trained = load_prior(prior_url(prior))
    codec = shipped_codec(trained.codes.sha256)
    if codec is None:
        raise NoPriorError(
            f"{prior} was trained on codes of the codec {trained.codes.sha256[:12]}, which does "
            "not ship; name the directory of its run with --dir"
        )
    images = draw_images(trained, load_codec(codec), [caption], number, settings, progress.step)
    files.write_bytes(out, to_png(np.asarray(image_grid(list(images), [caption]))))
    return out

"""Sheets of images that people look at: samples for a caption, and token shards decoded again."""

import numpy as np

from dalle_model import files
from dalle_model.errors import DalleError
from dalle_model.pixels import to_png
from dalle_model.settings import SampleSettings
from dalle_model.shards import ShardError, list_shards, read_metadata, read_shards
from orchestration.engine.config import load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.progress import Progress
from orchestration.token_sets.decoding import decoded_row
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.parquet import read_table
from pipelines.io.squares import pixels_of
from pipelines.records import CODEC, IMAGES, PRIOR, SAMPLES, TOKENS, ZERO_SHOT


class NoPriorError(DalleError):
    """There is nothing to draw from: where, and the command that makes it."""


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

    graph, run = _opened(root)
    url = graph.url(PRIOR, run)
    if url is None or not files.exists(url):
        raise NoPriorError(f"{root} has no prior; `dalle train prior` makes one")
    codec = load_codec(_codec_url(graph, run))
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


def draw_grid(root: str, number: int, out: str) -> str:
    """Originals next to what their tokens hold, read back from the token shards, as a PNG.

    Returns:
        `out`, the URL of the PNG.

    Raises:
        ShardError: no shards, unreadable or empty ones, or shards of another codec than the run's.
        CheckpointError: the run's codec cannot be used.
    """
    from dalle_model.sample.grid import comparison_grid
    from dalle_model.tokenizers.registry import load_codec

    graph, run = _opened(root)
    urls = list_shards(graph.url(TOKENS, run) or root)
    codec = load_codec(_codec_url(graph, run))
    made_by = read_metadata(urls[0]).codec_sha256
    if made_by != codec.facts.sha256:
        raise ShardError(
            f"{urls[0]} was made by the codec {made_by[:12]}, the run's codec is "
            f"{codec.facts.sha256[:12]}; `dalle run encode` makes the shards again"
        )
    table = read_shards(urls).slice(0, number)
    if not table.num_rows:
        raise ShardError(f"the token shards of {root} hold no row; `dalle report` shows why")
    images = StageFolder(graph.url(IMAGES, run) or root, run.num_shards)
    shown = [decoded_row(codec, row) for row in table.to_pylist()]
    originals = pixels_of(images, [(key, cut) for key, cut, _ in shown], codec.facts.resample)
    sheet = comparison_grid([originals, [rgb for *_, rgb in shown]], table["caption"].to_pylist())
    files.write_bytes(out, to_png(np.asarray(sheet)))
    return out


def first_caption(root: str) -> str:
    """The first caption of the run's samples whose sample came out right; else the first one."""
    url = _samples(root)
    name = "is_own" if url.endswith("samples.parquet") else "is_right"
    rows = read_table(url, ["caption", name]).to_pylist()
    return str(next((row for row in rows if row[name]), rows[0])["caption"])


def samples_sheet(root: str) -> str:
    """URL of the PNG that shows the run's samples."""
    return f"{_samples(root).removesuffix('.parquet')}.png"


def _opened(root: str) -> tuple[Graph, RunFolder]:
    config = load_run_config(root)
    return Graph.of(config), RunFolder(root, config.num_shards)


def _codec_url(graph: Graph, run: RunFolder) -> str:
    url = graph.url(CODEC, run)
    if url is None:
        raise ShardError(f"{run.url} has no codec; a run with the stage `encode` names one")
    return url


def _samples(root: str) -> str:
    """URL of the table of captions that no training has seen, else of those that one has."""
    graph, run = _opened(root)
    found = [url for role in (ZERO_SHOT, SAMPLES) if (url := graph.url(role, run)) is not None]
    if not found:
        raise NoPriorError(
            f"{root} has no samples; a config with a section `zero_shot` or `samples` asks for them"
        )
    return found[0]

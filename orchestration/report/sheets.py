"""Sheets of images of a run that people look at: its samples, and token shards decoded again."""

import numpy as np

from dalle_model import files
from dalle_model.pixels import to_png
from dalle_model.shards import ShardError, list_shards, read_metadata, read_shards
from orchestration.drawing.sources import NoPriorError, codec_url, opened
from orchestration.token_sets.decoding import decoded_row
from pipelines.io.layout import StageFolder
from pipelines.io.parquet import read_table
from pipelines.io.squares import pixels_of
from pipelines.records import IMAGES, SAMPLES, TOKENS, ZERO_SHOT


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

    graph, run = opened(root)
    urls = list_shards(graph.url(TOKENS, run) or root)
    codec = load_codec(codec_url(graph, run))
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


def _samples(root: str) -> str:
    """URL of the table of captions that no training has seen, else of those that one has."""
    graph, run = opened(root)
    found = [url for role in (ZERO_SHOT, SAMPLES) if (url := graph.url(role, run)) is not None]
    if not found:
        raise NoPriorError(
            f"{root} has no samples; a config with a section `zero_shot` or `samples` asks for them"
        )
    return found[0]

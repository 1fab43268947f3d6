"""`python -m dalle_model train clip`: a scorer of pairs of one's own, also by torchrun's processes.

Images are read and decoded as `train vq` does it, with the captions that lie beside them. Of a
config it reads the section `clip`, which a run reads too.
"""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dalle_model.door.codec import own_images
from dalle_model.door.telling import Commands, add_debug, said
from dalle_model.door.train import OptionError, sections, tell, told_by_first

if TYPE_CHECKING:
    from pipelines.clip.config import ClipStageConfig
    from pipelines.crawl.held import Held

_ABOUT = "a CLIP, which scores captions of images"


def add_clip(models: Commands) -> None:
    """Add the command and its options."""
    made = models.add_parser("clip", help=f"a scorer: {_ABOUT}", description=f"Trains {_ABOUT}.")
    made.set_defaults(command=train_clip)
    add = made.add_argument
    add("source", help="tars of WebDataset, Parquet, or a folder of images with texts beside them")
    add("out", help="the checkpoint to write: x.safetensors")
    add("--config", metavar="FILE", help="YAML, of which the section `clip` is read")
    add("--image-column", metavar="NAME", help="of Parquet, where it cannot be told")
    add("--caption-column", metavar="NAME", help="likewise")
    add_debug(made)


def train_clip(args: Namespace, _given: Sequence[str]) -> int:
    """Train, or go on with a training; returns the exit code."""
    return told_by_first(lambda: _train(args))


def _train(args: Namespace) -> int:
    from dalle_model.train.clip import PairSource, train_from_pairs
    from dalle_model.train.place import joined
    from pipelines.crawl.held import held_images

    columns = {"image_column": args.image_column, "caption_column": args.caption_column}
    held = held_images(args.source, {name: value for name, value in columns.items() if value})
    config, dropped = _section(args.config), Counter[str]()
    images = own_images(args.source, held, config.model.image_size, dropped)
    source = PairSource(images, lambda: own_captions(held))
    with joined(config.training.device) as place:
        metrics = train_from_pairs(source, args.out, config.model, config.training, tell)
    if place.rank:
        return 0
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        sys.stderr.write(f"images that were left out: {reasons}\n")
    return said(f"{args.out}: {', '.join(f'{name} {value}' for name, value in metrics.items())}")


def own_captions(held: "Held") -> Mapping[str, Sequence[str]]:
    """The captions of each image that a source holds, by the image's part of the key."""
    from dalle_model.shards import image_of
    from pipelines.crawl.held import read_piece
    from pipelines.rejection import Rejection

    found: dict[str, dict[str, str]] = {}
    for piece in held.pieces:
        for row in read_piece(piece, Counter[str]()):
            if not isinstance(row, Rejection):
                key = row.candidate.key
                found.setdefault(image_of(key), {})[key] = row.candidate.caption
    return {image: [texts[key] for key in sorted(texts)] for image, texts in found.items()}


def _section(url: str | None) -> "ClipStageConfig":
    """The section `clip` of a config; its defaults without one."""
    from pydantic import ValidationError

    from pipelines.clip.config import ClipStageConfig
    from pipelines.io.settings_file import explain

    try:
        return ClipStageConfig.model_validate(sections(url).get("clip") or {})
    except ValidationError as error:
        raise OptionError(explain(error, ClipStageConfig, lambda _: f"{url}: clip.")) from error

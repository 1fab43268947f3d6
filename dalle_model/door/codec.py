"""`python -m dalle_model train dvae` and `vq`: a codec of images of one's own.

They are read and decoded as `python -m dalle_model encode` does it: from a folder, tars or Parquet,
upright, as sRGB on white. Of a config it reads the section of the codec, which a run reads too.
Started by torchrun, its processes share the work.
"""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dalle_model.door.telling import Commands, add_debug, said
from dalle_model.door.train import OptionError, sections, tell, told_by_first

if TYPE_CHECKING:
    from dalle_model.pixels import Rgb
    from dalle_model.train.images import ImageSource
    from pipelines.crawl.held import Held
    from pipelines.dvae.config import DvaeStageConfig
    from pipelines.vq.config import VqStageConfig

_ABOUT = {"dvae": "OpenAI's dVAE", "vq": "a VQ-VAE of patches"}


def add_codecs(models: Commands) -> None:
    """Add a command for each kind of codec."""
    for name, about in _ABOUT.items():
        made = models.add_parser(name, help=f"a codec: {about}", description=f"Trains {about}.")
        made.set_defaults(command=train_codec, model=name)
        add = made.add_argument
        add("source", help="folder of images, tars of WebDataset, or Parquet")
        add("out", help="the checkpoint to write: x.safetensors")
        add("--config", metavar="FILE", help=f"YAML, of which the section `{name}` is read")
        add("--image-column", metavar="NAME", help="of Parquet, where it cannot be told")
        add("--caption-column", metavar="NAME", help="likewise")
        add_debug(made)


def train_codec(args: Namespace, _given: Sequence[str]) -> int:
    """Train, or go on with a training; returns the exit code."""
    return told_by_first(lambda: _train(args))


def _train(args: Namespace) -> int:
    from dalle_model.train import dvae, vq
    from dalle_model.train.place import joined
    from pipelines.crawl.held import held_images

    columns = {"image_column": args.image_column, "caption_column": args.caption_column}
    held = held_images(args.source, {name: value for name, value in columns.items() if value})
    config, dropped = _section(args.model, args.config), Counter[str]()
    known: dict[str, Callable[..., dict[str, Any]]] = {
        "dvae": dvae.train_from_images,
        "vq": vq.train_from_images,
    }
    source = own_images(args.source, held, min(config.model.image_shape), dropped)
    with joined(config.training.device) as place:
        metrics = known[args.model](source, args.out, config.model, config.training, tell)
    if place.rank:
        return 0
    figures = ", ".join(f"{name} {value}" for name, value in metrics.items())
    if dropped:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in dropped.items())
        sys.stderr.write(f"images that were left out: {reasons}\n")
    return said(f"{args.out}: {figures}")


def own_images(name: str, held: "Held", side: int, dropped: Counter[str]) -> "ImageSource":
    """Images that a source holds, decoded; those that cannot be used are counted by reason.

    Args:
        name: of the source, for people.
        held: what it holds.
        side: of the codec, in pixels, below which an image is left out.
        dropped: is told.
    """
    from dalle_model.train.images import ImageSource

    return ImageSource(name, held.digest, lambda: _decoded(held, side, dropped))


def _decoded(held: "Held", side: int, dropped: Counter[str]) -> Iterator[tuple[str, "Rgb"]]:
    from dalle_model.shards import image_of
    from pipelines.crawl.held import read_piece
    from pipelines.images.config import ANY_ASPECT, ImagesConfig
    from pipelines.images.decode import decode
    from pipelines.images.rules import UnusableImageError
    from pipelines.rejection import Rejection

    config = ImagesConfig(side=side, max_aspect=ANY_ASPECT)
    for piece in held.pieces:
        for found in read_piece(piece, Counter[str]()):
            if isinstance(found, Rejection):
                dropped[found.reason] += 1
                continue
            try:
                yield image_of(found.candidate.key), decode(found.encoded, config).rgb
            except UnusableImageError as error:
                dropped[error.check.reason] += 1


def _section(name: str, url: str | None) -> "DvaeStageConfig | VqStageConfig":
    """The section of a codec in a config; its defaults without one."""
    from pydantic import ValidationError

    from pipelines.dvae.config import DvaeStageConfig
    from pipelines.io.settings_file import explain
    from pipelines.vq.config import VqStageConfig

    kinds: dict[str, type[DvaeStageConfig | VqStageConfig]]
    kinds = {"dvae": DvaeStageConfig, "vq": VqStageConfig}
    try:
        return kinds[name].model_validate(sections(url).get(name) or {})
    except ValidationError as error:
        raise OptionError(explain(error, kinds[name], lambda _: f"{url}: {name}.")) from error

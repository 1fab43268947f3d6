"""`python -m dalle_model encode`: images to tokens, by what the stages do in a run.

The crawl stage reads, the images stage decodes, the encode stage encodes.
"""

import os
import sys
from argparse import SUPPRESS, ArgumentTypeError, Namespace
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dalle_model.door.telling import Commands, add_debug, failed, said
from dalle_model.errors import UsageError

if TYPE_CHECKING:
    from pipelines.crawl.held import Held
    from pipelines.encode.alone.work import Inputs
    from pipelines.encode.config import EncodeConfig
    from pipelines.images.config import ImagesConfig
    from pipelines.rejection import Rejection


def add_encode(commands: Commands) -> None:
    """Add the command and its options."""
    made = commands.add_parser(
        "encode", help="images to tokens", description="Takes images of your own to tokens."
    )
    made.set_defaults(command=encode)
    add = made.add_argument
    add("source", help="folder of images, tars of WebDataset, Parquet, or an images stage")
    add("out", help="directory; its folder `encode` holds the token shards")
    add("--codec", default="demo", help="name of a codec, or the URL of its weights")
    add("--mode", choices=("exact", "fast"), default="exact", help="as `encode.mode` of a run")
    add("--device", help="cpu, cuda, cuda:1 …; by default cuda where there is a card")
    add("--batch-size", type=int, default=32, metavar="N", help="images encoded at once")
    add("--margin", action="store_true", help="a column with the margin of each token")
    add("--text-tokens", metavar="FILE", help="a text tokenizer: captions become ids, too")
    add("--workers", type=int, default=1, metavar="N", help="processes, each with a model")
    add("--selection", action="append", default=[], metavar="DIR", help="a filter of the images")
    add(
        "--carry",
        action="append",
        default=[],
        type=_carried,
        metavar="NAME:TYPE",
        help="a value that the run's sources carry",
    )
    add("--image-column", metavar="NAME", help="of Parquet, where it cannot be told")
    add("--caption-column", metavar="NAME", help="likewise")
    add_debug(made)
    add("--serve", help=SUPPRESS)


def encode(args: Namespace, given: Sequence[str]) -> int:
    """Take images to tokens; returns the exit code."""
    from pipelines.crawl.candidates import DUPLICATE
    from pipelines.encode.alone.run import Share, run, told, work_for_another
    from pipelines.encode.alone.work import work_of

    share = Share(int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1")))
    work = work_of(_inputs(args), args.out, _config(args, share.rank))
    if args.serve:
        if args.serve != work.task.fingerprint:
            raise UsageError(f"{args.source} has changed meanwhile; give the same command again")
        work_for_another(work)
        return 0
    command = [sys.executable, "-m", "dalle_model", *given, "--serve", work.task.fingerprint]
    manifest = run(work, share, args.workers, command)
    if manifest is None:
        return said(f"rank {share.rank} of {share.world} has done its shards; others are at work")
    line, is_complete = told(work, manifest, [DUPLICATE])
    for warning in dict.fromkeys(manifest.warnings):
        sys.stderr.write(f"{warning}\n")
    return said(line) if is_complete else failed(line, 1)


def _config(args: Namespace, rank: int) -> "EncodeConfig":
    from pydantic import ValidationError

    from pipelines.encode.config import EncodeConfig

    names = ("codec", "mode", "batch_size", "margin", "text_tokens")
    values = {name: getattr(args, name) for name in names}
    try:
        return EncodeConfig(device=args.device or _default_device(rank), **values)
    except ValidationError as error:
        wrong = error.errors()[0]
        option = str(wrong["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option} {wrong['input']}: {wrong['msg']}") from error


def _default_device(rank: int) -> str:
    """A card where there is one, those of a machine in turn; else the processor."""
    from torch import cuda

    return f"cuda:{rank % cuda.device_count()}" if cuda.is_available() else "cpu"


def _inputs(args: Namespace) -> "Inputs":
    from pipelines.encode.alone.stage_images import is_images_stage, stage_images

    if is_images_stage(args.source):
        return stage_images(args.source, args.selection, args.codec, dict(args.carry))
    if args.selection or args.carry:
        raise UsageError(
            f"--selection and --carry are about the images of a run, and {args.source} is no "
            "folder of an images stage; leave them out, or name `RUN/images`"
        )
    return _own_images(args)


def _own_images(args: Namespace) -> "Inputs":
    from dalle_model.tokenizers.registry import inspect_codec
    from pipelines.crawl.held import held_images
    from pipelines.encode.alone.own_images import own_images
    from pipelines.images.own import SCHEMA, config_for

    columns = {"image_column": args.image_column, "caption_column": args.caption_column}
    held = held_images(args.source, {name: value for name, value in columns.items() if value})
    reader = _Reader(held, config_for(inspect_codec(args.codec)))
    return own_images(len(held.pieces), held.digest, SCHEMA, reader.rows, held.passed_over)


class _Reader:
    """Reads and decodes the images of pieces."""

    def __init__(self, held: "Held", config: "ImagesConfig") -> None:
        self._held, self._config = held, config

    def rows(self, index: int, passed_over: Counter[str]) -> Iterator["dict[str, Any] | Rejection"]:
        from pipelines.crawl.held import read_piece
        from pipelines.images.own import image_row
        from pipelines.rejection import Rejection

        for found in read_piece(self._held.pieces[index], passed_over):
            if isinstance(found, Rejection):
                yield found
            else:
                yield image_row(found.candidate, found.encoded, self._config)


def _carried(text: str) -> tuple[str, str]:
    """A name and its type, which is that of texts by default."""
    from pipelines.io.carried import TYPES

    name, _, kind = text.partition(":")
    if kind not in {"", *TYPES}:
        raise ArgumentTypeError(f"{kind!r} is none of {', '.join(TYPES)}")
    return name, kind or "text"

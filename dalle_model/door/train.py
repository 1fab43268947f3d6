"""`python -m dalle_model train prior`: a prior of token shards, by one process or by torchrun's.

Of a config it reads the sections `prior` and `bpe`, which a run reads too; the rest of it is for
the run. Of several processes only rank 0 prints, but for what went wrong on another one alone.
"""

import logging
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalle_model import files
from dalle_model.door.ending import exit_code
from dalle_model.door.telling import Commands, add_debug, said
from dalle_model.errors import UsageError

if TYPE_CHECKING:
    from dalle_model.config import PriorConfig as Sizes
    from dalle_model.train.place import Place
    from dalle_model.vocab import CaptionTokenizer
    from pipelines.prior.config import PriorConfig

PRIOR, TOKENIZER = "prior.safetensors", "bpe.json"
_TOKENS, _BPE_STAGE = "encode", "bpe"  # folders of a run's stages
_LINES = 50  # of progress; chosen: a minute or two apart in an hour
_VOCAB_SIZE = 1024  # as the default of `bpe.vocab_size`


class OptionError(UsageError):
    """An option or a config of the command is wrong."""


def add_train(commands: Commands) -> Commands:
    """Add the command and its options; returns the models, for others to be added."""
    train = commands.add_parser("train", help="a model", description="Trains a model.")
    models = train.add_subparsers(required=True, metavar="MODEL")
    made = models.add_parser(
        "prior",
        help="the autoregressive model of token shards",
        description="Trains a prior; started by torchrun, its processes share the work.",
    )
    made.set_defaults(command=train_prior)
    add = made.add_argument
    add("tokens", nargs="*", help="folders of token shards; by default `encode` of the directory")
    add("--dir", required=True, metavar="RUN", help=f"directory, in which {PRIOR} is made")
    add("--config", metavar="FILE", help="YAML, of which `prior` and `bpe` are read")
    add("--tokenizer", metavar="FILE", help=f"by default RUN/bpe/{TOKENIZER}, or one is trained")
    add("--preset", metavar="NAME", help="as `prior.preset`")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of `prior`, such as training.steps=1000",
    )
    add_debug(made)
    return models


def train_prior(args: Namespace, _given: Sequence[str]) -> int:
    """Train, or go on with a training; returns the exit code."""
    return told_by_first(lambda: _train(args))


def told_by_first(train: Callable[[], int]) -> int:
    """What a training returns, where several processes train: rank 0 alone tells of it."""
    from dalle_model.train.images import ImagesError
    from dalle_model.train.step import DivergedError
    from dalle_model.train.stopping import StoppedError

    if not int(os.environ.get("RANK", "0")):
        return train()
    logging.disable()
    try:  # of what happens to all, rank 0 tells
        return train()
    except (UsageError, DivergedError, ImagesError) as error:
        return 2 if isinstance(error, UsageError) else 1
    except StoppedError:
        return exit_code()
    finally:
        logging.disable(logging.NOTSET)


def _train(args: Namespace) -> int:
    from dalle_model.train.place import joined
    from dalle_model.train.prior import train_from_shards

    found = sections(args.config)
    config = _config(found.get("prior") or {}, args)
    shards = token_shards(args)
    out_url = files.join(args.dir, PRIOR)
    with joined(config.training.device) as place:
        tokenizer = text_tokenizer(args, shards, found, place)
        sizes = _sizes(config, shards[0], tokenizer)
        trained = (config.training, config.pairs, tell)
        metrics = train_from_shards(shards, tokenizer, out_url, sizes, *trained)
    if place.rank:
        return 0
    losses = ", ".join(f"{n} {v:.4f}" for n, v in metrics.items() if n.endswith("_ce"))
    size = f"{metrics['parameters']:,} parameters, {metrics['steps']:,} steps"
    return said(f"{out_url}: {size}, {losses}")


def token_shards(args: Namespace) -> list[str]:
    """URLs of the shards to train on."""
    from dalle_model.shards import list_shards

    folders = args.tokens or [files.join(args.dir, _TOKENS)]
    return [shard for folder in folders for shard in list_shards(folder)]


def tell(done: int, total: int, figures: Mapping[str, float]) -> None:
    """Tell of some of the steps, in a line each."""
    if done in {1, total} or done % max(1, total // _LINES) == 0:
        shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        sys.stderr.write(f"step {done:,} of {total:,}: {shown}\n")


def sections(url: str | None) -> dict[str, Any]:
    """The sections of a config, unchecked; none without one."""
    from pipelines.io.settings_file import SettingsFileError, read_settings

    if not url:
        return {}
    try:
        expected = "a config is a mapping of settings"
        return read_settings(url, "config", "--config", expected).values
    except SettingsFileError as error:
        raise OptionError(str(error)) from error


def _config(section: Mapping[str, Any], args: Namespace) -> "PriorConfig":
    """The section `prior` with what the options set."""
    from pydantic import ValidationError

    from pipelines.io.settings_file import explain
    from pipelines.prior.config import PriorConfig

    values = dict(section) | ({"preset": args.preset} if args.preset else {})
    for setting in args.set:
        put(values, setting)
    try:
        return PriorConfig.model_validate(values)
    except ValidationError as error:
        raise OptionError(explain(error, PriorConfig, lambda _: "prior.")) from error


def put(values: dict[str, Any], setting: str) -> None:
    """Put `training.steps=100` into nested values; the value is YAML."""
    import yaml

    name, equals, text = setting.partition("=")
    if not (name and equals):
        raise OptionError(f"--set {setting}: give NAME=VALUE, such as training.steps=1000")
    *groups, last = name.removeprefix("prior.").split(".")
    for group in groups:
        inner = values.get(group)
        values[group] = dict(inner) if isinstance(inner, dict) else {}
        values = values[group]
    try:
        values[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise OptionError(f"--set {setting}: {text!r} is no YAML value") from error


def text_tokenizer(
    args: Namespace, shards: list[str], sections: Mapping[str, Any], place: "Place"
) -> "CaptionTokenizer":
    """The one that is named, or that of the run, or else one that rank 0 trains."""
    from dalle_model.train.place import wait_for_all
    from dalle_model.vocab import CaptionTokenizer

    of_run = files.join(args.dir, _BPE_STAGE, TOKENIZER)
    own = files.join(args.dir, TOKENIZER)
    if args.tokenizer or files.exists(of_run):
        return CaptionTokenizer.load(args.tokenizer or of_run)
    if place.rank == 0 and not files.exists(own):
        from dalle_model.train.bpe import train_bpe_from_shards

        size = (sections.get("bpe") or {}).get("vocab_size", _VOCAB_SIZE)
        train_bpe_from_shards(shards, own, int(size))
    wait_for_all(place)
    return CaptionTokenizer.load(own)


def _sizes(config: "PriorConfig", shard: str, tokenizer: "CaptionTokenizer") -> "Sizes":
    """Those of the config; what it leaves open follows the codec and the tokenizer."""
    from dalle_model.shards import read_metadata

    metadata, model = read_metadata(shard), config.model
    shape = metadata.token_shape or (None,)  # what is no square is refused with the rows
    return replace(
        model,
        grid=model.grid or shape[0],
        image_vocab=model.image_vocab or metadata.num_codes,
        text_vocab=model.text_vocab or tokenizer.size,
    ).closed()

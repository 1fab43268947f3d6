"""`python -m dalle_model train mini`: a DALL·E mini of token shards, also by torchrun's processes.

Shards, directory and text tokenizer are found as `train prior` finds them. Of a config it reads the
sections `mini` and `bpe`, which a run reads too.
"""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dalle_model import files
from dalle_model.door.telling import Commands, add_debug, said
from dalle_model.door.train import (
    OptionError,
    put,
    sections,
    tell,
    text_tokenizer,
    token_shards,
    told_by_first,
)

if TYPE_CHECKING:
    from dalle_model.mini.config import MiniConfig
    from dalle_model.vocab import CaptionTokenizer
    from pipelines.mini.config import MiniStageConfig

MINI = "mini.safetensors"


def add_mini(models: Commands) -> None:
    """Add the command and its options."""
    about = "Trains a DALL·E mini; started by torchrun, its processes share the work."
    made = models.add_parser("mini", help="a DALL·E mini of token shards", description=about)
    made.set_defaults(command=train_mini)
    add = made.add_argument
    add("tokens", nargs="*", help="folders of token shards; by default `encode` of the directory")
    add("--dir", required=True, metavar="RUN", help=f"directory, in which {MINI} is made")
    add("--config", metavar="FILE", help="YAML, of which `mini` and `bpe` are read")
    add("--tokenizer", metavar="FILE", help="by default RUN/bpe/bpe.json, or one is trained")
    add("--preset", metavar="NAME", help="as `mini.preset`")
    add(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of `mini`, such as training.steps=1000",
    )
    add_debug(made)


def train_mini(args: Namespace, _given: Sequence[str]) -> int:
    """Train, or go on with a training; returns the exit code."""
    return told_by_first(lambda: _train(args))


def _train(args: Namespace) -> int:
    from dalle_model.train.mini import train_mini_from_shards
    from dalle_model.train.place import joined

    found = sections(args.config)
    config, shards = _config(found.get("mini") or {}, args), token_shards(args)
    out_url = files.join(args.dir, MINI)
    with joined(config.training.device) as place:
        tokenizer = text_tokenizer(args, shards, found, place)
        sizes = _sizes(config, shards[0], tokenizer)
        trained = (config.training, config.pairs, tell)
        metrics = train_mini_from_shards(shards, tokenizer, out_url, sizes, *trained)
    if place.rank:
        return 0
    losses = ", ".join(f"{n} {v:.4f}" for n, v in metrics.items() if n.endswith("_ce"))
    size = f"{metrics['parameters']:,} parameters, {metrics['steps']:,} steps"
    return said(f"{out_url}: {size}, {losses}")


def _config(section: Mapping[str, Any], args: Namespace) -> "MiniStageConfig":
    """The section `mini` with what the options set."""
    from pydantic import ValidationError

    from pipelines.io.settings_file import explain
    from pipelines.mini.config import MiniStageConfig

    values = dict(section) | ({"preset": args.preset} if args.preset else {})
    for setting in args.set:
        put(values, setting.removeprefix("mini."))
    try:
        return MiniStageConfig.model_validate(values)
    except ValidationError as error:
        raise OptionError(explain(error, MiniStageConfig, lambda _: "mini.")) from error


def _sizes(config: "MiniStageConfig", shard: str, tokenizer: "CaptionTokenizer") -> "MiniConfig":
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

"""The commands that begin with what somebody has: they write a config, or need none."""

import shlex
import shutil
from typing import Annotated

import typer

from orchestration.cli.app import command
from orchestration.cli.asking import ask_to_replace
from orchestration.cli.options import (
    DEFAULT_CONFIG,
    ColumnOption,
    ProfileOption,
    WorkersOption,
    YesOption,
)


@command()
def init(
    path: Annotated[
        str, typer.Argument(metavar="PATH|URL", help="A file, folder or glob, or a site to crawl.")
    ],
    out: Annotated[str, typer.Option("--out", help="Config to write.")] = DEFAULT_CONFIG,
    url_column: ColumnOption = "",
    caption_column: Annotated[str, typer.Option("--caption-column", help="Likewise.")] = "",
    image_column: Annotated[str, typer.Option("--image-column", help="Likewise.")] = "",
    replaces: Annotated[
        bool, typer.Option("--yes", help="Replace a config that is there.")
    ] = False,
) -> None:
    """Look at what is at a path, and write a config with comments that takes it to tokens."""
    from orchestration import api

    typer.echo(
        str(
            api.init(
                path,
                out,
                url_column=url_column,
                caption_column=caption_column,
                image_column=image_column,
                replaces=replaces,
            )
        )
    )
    config = "" if out == DEFAULT_CONFIG else f" --config {shlex.quote(out)}"
    typer.echo(f"next     dalle run{config}")


@command()
def encode(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A folder of images, tars, or Parquet.")
    ],
    out: Annotated[str, typer.Argument(metavar="OUT", help="Directory of the run to make.")],
    codec: Annotated[str, typer.Option("--codec", help="A codec's name, or its URL.")] = "demo",
    like: Annotated[
        str, typer.Option("--like", help="Token shards whose rows and crops are taken.")
    ] = "",
    workers: WorkersOption = None,
    profile: ProfileOption = "",
    replaces: YesOption = False,
) -> None:
    """Take every image of a source to tokens, in one line; interrupted, it goes on."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    result = ask_to_replace(
        lambda may_replace: api.encode(
            source,
            out,
            codec,
            like=like,
            workers=workers,
            profile=profile,
            progress=TerminalProgress(),
            replaces=may_replace,
        ),
        replaces=replaces,
    )
    typer.echo(str(result))


@command(name="config")
def settings(
    name: Annotated[
        str, typer.Argument(metavar="[SETTING]", help="A setting, or a section; all by default.")
    ] = "",
    config: Annotated[
        str, typer.Option("--config", help="YAML file or URL whose values are shown, too.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the settings of a config: default, type, meaning, and where a value comes from."""
    from orchestration import api
    from orchestration.cli.settings_text import settings_json, settings_text

    found = api.settings(name, config)
    width = shutil.get_terminal_size().columns
    typer.echo(settings_json(found) if as_json else settings_text(found, width))

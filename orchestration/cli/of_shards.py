"""The commands `dalle shards …`, about finished token shards wherever they are from."""

from collections.abc import Callable
from typing import Annotated

import typer

from orchestration.cli.app import app
from orchestration.cli.options import EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="shards",
    context_settings=HELP_OPTIONS,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Look into finished token shards, check them, and make other sets of them.",
    epilog=EPILOG,
)
app.add_typer(group)

SourceArgument = Annotated[
    str, typer.Argument(metavar="SET", help="A folder of token shards or one shard; or its URL.")
]

SourcesArgument = Annotated[
    list[str], typer.Argument(metavar="SET...", help="Folders of token shards, two or more.")
]
OutArgument = Annotated[str, typer.Argument(metavar="OUT", help="Folder or URL to write to.")]
FormatArgument = Annotated[
    str, typer.Argument(metavar="FORMAT", help="Such as hf, webdataset, llamagen, rar, mds.")
]
RowsOption = Annotated[int, typer.Option("--rows", min=1, help="Of a shard, about.")]


@group.callback()
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _command(name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    return group.command(name, context_settings=HELP_OPTIONS, epilog=EPILOG)


@_command()
def info(source: SourceArgument) -> None:
    """Say what a set is: codecs, rows, bytes, columns."""
    from orchestration import api

    typer.echo(str(api.shards.info(source)))


@_command()
def ls(source: SourceArgument) -> None:
    """List the shards of a set with their rows and bytes."""
    from orchestration import api

    for line in api.shards.ls(source):
        typer.echo(str(line))


@_command()
def head(
    source: SourceArgument,
    number: Annotated[int, typer.Option("-n", min=1, help="Number of rows.")] = 5,
) -> None:
    """Show the first rows of a set."""
    from orchestration import api
    from orchestration.token_sets.looking import rows_text

    typer.echo(rows_text(api.shards.head(source, number)))


@_command()
def verify(source: SourceArgument) -> None:
    """Check every byte, key and code, and the books.

    Where a set has a manifest, as one of a run has, every file is compared with it.
    """
    from orchestration import api

    typer.echo(str(api.shards.verify(source)))


@_command()
def join(
    sources: SourcesArgument,
    out: OutArgument,
    names: Annotated[
        list[str] | None,
        typer.Option("--as", help="Name for the tokens of a set behind the first, in their order."),
    ] = None,
    inner: Annotated[
        bool, typer.Option("--inner", help="Leave out rows that a set lacks.")
    ] = False,
) -> None:
    """Put tokens of several codecs side by side.

    Sets of the same images and crops become one, with a column of tokens for each codec.
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.join(
        sources, out, names=names or [], inner=inner, progress=TerminalProgress()
    )
    typer.echo(str(found))


@_command()
def reshard(source: SourceArgument, out: OutArgument, rows: RowsOption = 65_536) -> None:
    """Write a set anew with another number of rows a shard."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    typer.echo(str(api.shards.reshard(source, out, rows=rows, progress=TerminalProgress())))


@_command()
def merge(
    sources: SourcesArgument,
    out: OutArgument,
    rows: RowsOption = 65_536,
    drops_copies: Annotated[
        bool,
        typer.Option("--drop-copies", help="Of rows of one key and view keep the first."),
    ] = False,
) -> None:
    """Write the rows of several sets of one codec as one set."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.merge(
        sources, out, rows=rows, drops_copies=drops_copies, progress=TerminalProgress()
    )
    typer.echo(str(found))


@_command()
def pack(source: SourceArgument, out: OutArgument) -> None:
    """Write a set with as few bits a code as there can be."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    typer.echo(str(api.shards.pack(source, out, progress=TerminalProgress())))


@_command()
def unpack(source: SourceArgument, out: OutArgument) -> None:
    """Write a packed set as other sets are."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    typer.echo(str(api.shards.unpack(source, out, progress=TerminalProgress())))


@_command()
def diff(
    source: SourceArgument,
    other: Annotated[str, typer.Argument(metavar="SET", help="The set to compare it with.")],
) -> None:
    """Tell rows of one set alone, and codes that differ.

    Exit code 0 where there are none, 1 where there are, 2 where a set cannot be read.
    """
    from dalle_model.errors import UsageError
    from dalle_model.shards import ShardError
    from orchestration import api

    try:
        found = api.shards.diff(source, other)
    except ShardError as error:  # as of diff(1), trouble is another thing than a difference
        raise UsageError(str(error)) from error
    typer.echo(str(found))
    if not found.is_same:
        raise typer.Exit(1)


@_command()
def stats(
    source: SourceArgument,
    column: Annotated[str, typer.Option("--column", help="Of the tokens.")] = "image_tokens",
    images: Annotated[
        str, typer.Option("--images", help="Folder `images` of the run, for the PSNR.")
    ] = "",
    codec: Annotated[str, typer.Option("--codec", help="A codec's name, or its URL.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 1 where a shard drifts.")
    ] = False,
) -> None:
    """Measure the codes of a set: use, copies, drift."""
    import json

    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.stats(
        source, column=column, images=images, codec=codec, progress=TerminalProgress()
    )
    typer.echo(json.dumps(found.as_json(), indent=1) if as_json else str(found))
    if strict and found.statistics.alarms:
        raise typer.Exit(1)


@_command()
def decode(
    source: SourceArgument,
    out: Annotated[str, typer.Argument(metavar="OUT", help="A sheet x.png, or a folder of PNGs.")],
    codec: Annotated[str, typer.Option("--codec", help="A codec's name, or its URL.")] = "",
    column: Annotated[str, typer.Option("--column", help="Of the tokens.")] = "image_tokens",
    number: Annotated[int, typer.Option("-n", min=1, help="Number of rows.")] = 32,
) -> None:
    """Show rows as the images that their tokens hold."""
    from orchestration import api

    made = api.shards.decode(source, out, codec=codec, column=column, number=number)
    typer.echo(f"images   {made}")


@_command()
def export(
    name: FormatArgument,
    source: SourceArgument,
    out: OutArgument,
    column: Annotated[str, typer.Option("--column", help="Of the tokens.")] = "image_tokens",
    classes: Annotated[
        str, typer.Option("--classes", help="A column of whole numbers, or one for all.")
    ] = "",
) -> None:
    """Write a set as other programs read it.

    A file beside it says what the codes are, by which `dalle shards import` takes it back.
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.export(
        name, source, out, column=column, classes=classes, progress=TerminalProgress()
    )
    typer.echo(str(found))


@_command("import")
def import_(
    name: FormatArgument,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A folder or file; or its URL.")],
    out: OutArgument,
    codec: Annotated[str, typer.Option("--codec", help="A codec's name, or its URL.")] = "",
    num_codes: Annotated[int, typer.Option("--num-codes", min=0, help="Of the codec.")] = 0,
    token_shape: Annotated[str, typer.Option("--token-shape", help="As 16x16, or 32.")] = "",
    column: Annotated[str, typer.Option("--column", help="Of the codes, in tables.")] = "",
) -> None:
    """Make a set of tokens that other programs wrote.

    What `dalle shards export` has written says itself what its codes are; of others it is said by
    --codec, or by --num-codes and --token-shape.
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.shards.import_(
        name,
        source,
        out,
        codec=codec,
        num_codes=num_codes,
        token_shape=token_shape,
        column=column,
        progress=TerminalProgress(),
    )
    typer.echo(str(found))

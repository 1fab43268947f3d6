"""The commands on finished runs: how far they are, whether they are whole, what goes of them."""

from typing import Annotated

import typer

from orchestration.cli.app import command as _command
from orchestration.cli.asking import ask_to_free, found_directory
from orchestration.cli.options import (
    FoundDirOption,
)
from orchestration.cli.stages_help import StagesCommand


@_command()
def status(directory: FoundDirOption = "") -> None:
    """How far a run is, and its job on a runner elsewhere."""
    from orchestration import api

    typer.echo(str(api.status(found_directory(directory))))


@_command()
def cancel(directory: FoundDirOption = "") -> None:
    """End the job of a run on a runner elsewhere; finished shards are kept."""
    from orchestration import api

    typer.echo(api.cancel(found_directory(directory)))


@_command()
def report(directory: FoundDirOption = "") -> None:
    """Build the HTML report again, from the run directory alone."""
    from orchestration import api

    typer.echo(f"report   {api.report(found_directory(directory))}")


@_command()
def verify(directory: FoundDirOption = "") -> None:
    """Check every file of a run against its manifest; print one SHA-256 for the whole run."""
    from orchestration import api
    from pipelines.io.cleaned import remedy

    found = api.verify(found_directory(directory))
    for stage, count in found.num_files.items():
        freed = f"; {remedy(stage)}" if stage in found.freed else ""
        typer.echo(f"{stage:<10} {count:>5} files  ok{freed}")
    for url in found.foreign:
        typer.echo(f"foreign    {url}")
    typer.echo(f"sha256     {found.sha256}")


@_command(cls=StagesCommand)
def clean(
    stages: Annotated[
        list[str] | None,
        typer.Argument(help="Whose rows go (all that can be spared without the web)."),
    ] = None,
    directory: FoundDirOption = "",
    only_plans: Annotated[
        bool, typer.Option("--plan", help="Say what would be freed; do nothing.")
    ] = False,
    takes_from_web: Annotated[
        bool, typer.Option("--yes", help="Free rows that only the web can bring back.")
    ] = False,
) -> None:
    """Free the rows that later stages no longer need; a run makes them again where one does."""
    from orchestration import api
    from orchestration.engine.sizes import size_text

    root = found_directory(directory)
    freed = ask_to_free(
        lambda may_free: api.clean(
            root, stages or [], only_plans=only_plans, takes_from_web=may_free
        ),
        takes_from_web=takes_from_web,
    )
    for one in freed:
        typer.echo(str(one))
    typer.echo(f"{'all':<10} {size_text(sum(one.num_bytes for one in freed))}")


@_command()
def remove(
    urls: Annotated[str, typer.Option("--urls", help="List of URLs of images or pages.")] = "",
    hosts: Annotated[str, typer.Option("--hosts", help="List of hosts.")] = "",
    keys: Annotated[str, typer.Option("--keys", help="List of keys of pairs or images.")] = "",
    hashes: Annotated[
        str, typer.Option("--hashes", help="List of md5, sha256 or phash of images.")
    ] = "",
    refused: Annotated[
        str, typer.Option("--refused", help="What was removed from another run: its refused.txt.")
    ] = "",
    directory: FoundDirOption = "",
    copies: Annotated[
        bool, typer.Option("--copies", help="Rows, too, that were dropped as copies of these.")
    ] = False,
    date: Annotated[str, typer.Option("--date", help="For the receipt, as 2026-11-30.")] = "",
) -> None:
    """Remove rows from all stages of a run, by lists; later runs in it refuse them."""
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    done = api.remove(
        found_directory(directory),
        urls=urls,
        hosts=hosts,
        keys=keys,
        hashes=hashes,
        refused=refused,
        copies=copies,
        date=date,
        progress=TerminalProgress(),
    )
    typer.echo(str(done))

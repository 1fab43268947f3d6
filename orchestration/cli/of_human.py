"""The commands `dalle evaluate human …`: two models compared by people."""

from collections.abc import Callable
from typing import Annotated

import typer

from orchestration.cli import signals
from orchestration.cli.of_evaluating import group as evaluate
from orchestration.cli.options import EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="human",
    context_settings=HELP_OPTIONS,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Let people compare the samples of two models, blind, by the paper's two questions.",
    epilog=EPILOG,
)
evaluate.add_typer(group)

StudyArgument = Annotated[str, typer.Argument(metavar="STUDY", help="The folder of the study.")]
_EXAMPLE = "Example: `dalle evaluate human {}`"


@group.callback()
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _command(example: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    epilog = f"{_EXAMPLE.format(example)}. {EPILOG}"
    return group.command(context_settings=HELP_OPTIONS, epilog=epilog)


@_command("make attngan/ ours/ --out study/ --number 1000")
def make(
    first: Annotated[str, typer.Argument(metavar="A", help="Folder of one model's samples.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Folder of the other's.")],
    out: Annotated[str, typer.Option("--out", help="Folder to write the study to.")],
    captions: Annotated[
        str,
        typer.Option(
            "--captions",
            metavar="TABLE",
            help="JSONL or CSV of `file` and `caption` for both; by default each folder has its "
            "own, or a .txt beside each image.",
        ),
    ] = "",
    number: Annotated[int, typer.Option("--number", min=1, help="Comparisons at most.")] = 1000,
    votes: Annotated[int, typer.Option("--votes", min=1, help="Raters of each.")] = 5,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Decides captions, order and sides.")
    ] = 0,
) -> None:
    """Make a study of samples that two models drew for the same captions."""
    from orchestration import api

    made = api.human_study.make(
        first, second, out, captions=captions, number=number, votes=votes, seed=seed
    )
    typer.echo(str(made))


@_command("serve study/ --raters 5")
def serve(
    study: StudyArgument,
    raters: Annotated[int, typer.Option("--raters", min=1, help="Links, at least.")] = 5,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; others reach 0.0.0.0.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 for that of the last time, else any.")
    ] = 0,
) -> None:
    """Serve a study until Ctrl-C, and print a link for each rater.

    Votes are kept as they come; the same command goes on where each rater was.
    """
    from orchestration import api

    with api.human_study.serve(study, raters=raters, host=host, port=port) as serving:
        for rater, link in serving.links.items():
            typer.echo(f"{rater}  {link}")
        typer.echo("Send each person a link of their own. Ctrl-C ends this; votes are kept.")
        try:
            serving.wait()
        except KeyboardInterrupt:
            signals.say_stopped("stopped; votes are kept, and the same command goes on from there")
            raise


@_command("tally study/ --without r3")
def tally(
    study: StudyArgument,
    without: Annotated[
        list[str] | None, typer.Option("--without", metavar="RATER", help="Leave out a rater.")
    ] = None,
    fast_s: Annotated[
        float, typer.Option("--fast-s", min=0, help="Seconds below which an answer is fast.")
    ] = 4.0,
    fast_share: Annotated[
        float, typer.Option("--fast-share", min=0, max=1, help="Drop from so many fast answers,")
    ] = 0.5,
    disagreement: Annotated[
        float,
        typer.Option(
            "--disagreement", min=0, max=1, help="and from so many against the others' majority,"
        ),
    ] = 0.4,
    min_tasks: Annotated[
        int, typer.Option("--min-tasks", min=1, help="of raters with so many tasks.")
    ] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count the votes: shares by majority with intervals, agreement, and who is dropped."""
    import json
    from dataclasses import asdict

    from orchestration import api

    found = api.human_study.tally(
        study,
        without=without or (),
        fast_s=fast_s,
        fast_share=fast_share,
        disagreement=disagreement,
        min_tasks=min_tasks,
    )
    typer.echo(json.dumps(asdict(found), indent=2) if as_json else str(found))

"""The commands `dalle plan …`: what a run, or a training, of some size would need."""

from typing import Annotated

import typer

from orchestration.cli.app import app
from orchestration.cli.options import DEFAULT_CONFIG, EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="plan",
    context_settings=HELP_OPTIONS,
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog=EPILOG,
)
app.add_typer(group)

PlannedConfigOption = Annotated[
    str, typer.Option("--config", help="YAML file of the run; by default its defaults.")
]


@group.callback()
def plan(
    context: typer.Context,
    pairs: Annotated[
        float | None, typer.Option("--pairs", help="Image-caption pairs, such as 5e9.")
    ] = None,
    profile: Annotated[
        str, typer.Option("--profile", help="Where they are worked on: local, flink or dataflow.")
    ] = "local",
    hours: Annotated[float, typer.Option("--hours", help="In which the run should be done.")] = 168,
    months: Annotated[
        float, typer.Option("--months", min=0, help="For which the run directory is kept.")
    ] = 1,
    prices: Annotated[
        str, typer.Option("--prices", help="YAML file with what you pay; by default examples.")
    ] = "",
    config: PlannedConfigOption = "",
) -> None:
    """Say what a run of some size needs: workers, bytes, money, and what gives way first."""
    from orchestration import api
    from orchestration.engine.config import ConfigError

    if context.invoked_subcommand is not None:
        return
    if pairs is None:
        raise ConfigError("give the number of pairs, as `dalle plan --pairs 1e6`")
    found = api.estimate(
        pairs, profile, hours=hours, months=months, prices=prices, config=config or None
    )
    typer.echo(str(found))


@group.command(context_settings=HELP_OPTIONS, epilog=EPILOG)
def train(
    config: Annotated[
        str, typer.Option("--config", help=f"YAML file of the run; of --dir, or {DEFAULT_CONFIG}.")
    ] = "",
    directory: Annotated[
        str, typer.Option("--dir", help="Run directory, whose token shards are counted.")
    ] = "",
    device: Annotated[
        str, typer.Option("--device", help="h200, h100, a100, v100, or cpu for cores.")
    ] = "h100",
    devices: Annotated[int, typer.Option("--devices", help="Number of them.")] = 1,
    mfu: Annotated[
        float | None,
        typer.Option("--mfu", help="Share of their peak that is reached; by default measured."),
    ] = None,
    pairs: Annotated[
        float | None, typer.Option("--pairs", help="Rows to train on, in place of those of --dir.")
    ] = None,
) -> None:
    """Say what a training needs: memory by kind, operations, bytes between devices, time."""
    from orchestration import api

    typer.echo(
        str(
            api.estimate_training(
                config or None, directory, device=device, devices=devices, mfu=mfu, pairs=pairs
            )
        )
    )

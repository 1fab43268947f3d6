"""The commands that draw images by a trained prior."""

from typing import Annotated

import typer

from orchestration.cli.app import command
from orchestration.cli.asking import found_directory
from orchestration.cli.options import FoundDirOption, OutOption


@command()
def sample(  # noqa: PLR0913 - one for each option
    caption: Annotated[str, typer.Argument(help="What the images should show.")],
    number: Annotated[int, typer.Option("-n", min=1, max=512, help="Number of images.")] = 8,
    directory: FoundDirOption = "",
    prior: Annotated[
        str, typer.Option("--prior", help="In place of a run's: `world`, which ships, or a URL.")
    ] = "",
    out: OutOption = "samples.png",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")] = 0,
    temperature: Annotated[float, typer.Option("--temperature", min=1e-3, max=10)] = 1.0,
    top_k: Annotated[int, typer.Option("--top-k", min=0, help="0 keeps all codes.")] = 0,
    guidance: Annotated[
        float, typer.Option("--guidance", min=0, max=100, help="Towards the caption; 1 for none.")
    ] = 1.0,
) -> None:
    """Draw images for a caption with the prior of a run, or the one that ships."""
    from dalle_model.settings import SampleSettings
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    settings = SampleSettings(temperature, top_k or None, seed, guidance)
    root, follow = "" if prior else found_directory(directory), TerminalProgress()
    url = api.sample(caption, number, root, out, prior=prior, settings=settings, progress=follow)
    typer.echo(f"images   {url}")

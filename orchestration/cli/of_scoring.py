"""The command that asks a prior how likely images and captions are."""

from typing import Annotated

import typer

from orchestration.cli.app import command
from orchestration.cli.asking import found_directory
from orchestration.cli.options import FoundDirOption


@command()
def score(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="Any image file, or its URL.")] = "",
    captions: Annotated[
        list[str] | None, typer.Argument(metavar="CAPTION...", help="What it may show.")
    ] = None,
    directory: FoundDirOption = "",
    captions_file: Annotated[
        str, typer.Option("--captions", metavar="FILE", help="A text with captions, one a line.")
    ] = "",
    prior: Annotated[
        str, typer.Option("--prior", help="In place of a run's: `world`, which ships, or a URL.")
    ] = "",
    text: Annotated[
        list[str] | None,
        typer.Option("--text", metavar="CAPTION", help="Without an image; repeatable."),
    ] = None,
    heat_map: Annotated[
        str, typer.Option("--map", metavar="PNG", help="Draw what each token of the image costs.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON.")] = False,
) -> None:
    """Rank captions for an image by how likely a prior finds it under each.

    For example: dalle score dog.png "a dog" "a cat" --prior world
    """
    import json

    from orchestration import api

    found = api.score(
        image,
        captions or [],
        "" if prior else found_directory(directory),
        captions_file=captions_file,
        prior=prior,
        text=text or [],
        heat_map=heat_map,
    )
    typer.echo(json.dumps(found.as_json(), indent=1) if as_json else str(found))

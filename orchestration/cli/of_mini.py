"""The command that draws by a DALL·E mini."""

from typing import Annotated

import typer

from dalle_model.errors import UsageError
from orchestration.cli.app import command
from orchestration.cli.asking import found_directory
from orchestration.cli.of_drawing import JsonOption, NumberOption, OutOption, SeedOption
from orchestration.cli.options import FoundDirOption


@command()
def mini(  # noqa: PLR0913 - one for each option
    captions: Annotated[
        list[str], typer.Argument(metavar="CAPTION...", help="What the images should show.")
    ],
    n: NumberOption = 8,
    directory: FoundDirOption = "",
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", metavar="URL", help="A mini, in place of a run's.")
    ] = "",
    codec: Annotated[
        str, typer.Option("--codec", metavar="NAME|URL", help="That decodes; found by default.")
    ] = "",
    out: OutOption = "mini.png",
    seed: SeedOption = 0,
    gen_top_k: Annotated[int, typer.Option("--gen-top-k", min=0, help="0 keeps all codes.")] = 0,
    gen_top_p: Annotated[
        float, typer.Option("--gen-top-p", min=1e-6, max=1, help="Of the likeliest; 1 for all.")
    ] = 1.0,
    temperature: Annotated[float, typer.Option("--temperature", min=1e-3, max=10)] = 1.0,
    cond_scale: Annotated[
        float, typer.Option("--cond-scale", min=0, max=100, help="Towards the caption; 1 for none.")
    ] = 10.0,
    scorer: Annotated[
        str,
        typer.Option(
            "--scorer", metavar="NAME|ARCH@FILE|URL", help="A CLIP: the best image comes first."
        ),
    ] = "",
    writes_json: JsonOption = False,
) -> None:
    """Draw images for captions by a DALL·E mini, with the parameters of its notebook.

    For example: dalle mini "a red apple" --checkpoint mini.safetensors --gen-top-k 256
    """
    from dalle_model.mini.settings import MiniDrawing
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    try:
        top_p = None if gen_top_p == 1 else gen_top_p
        settings = MiniDrawing(gen_top_k or None, top_p, temperature, cond_scale, seed)
    except ValueError as error:  # `nan` is no value of a range
        raise UsageError(str(error)) from error
    drawn = api.mini(
        captions,
        n,
        "" if checkpoint else found_directory(directory),
        out,
        checkpoint=checkpoint,
        codec=codec,
        settings=settings,
        scorer=scorer,
        writes_json=writes_json,
        progress=TerminalProgress(),
    )
    typer.echo(str(drawn))

"""The command that guides a picture towards prompts."""

from typing import Annotated, Literal

import typer

from dalle_model.errors import UsageError
from dalle_model.train.stopping import CutShortError
from orchestration.cli import signals
from orchestration.cli.app import command
from orchestration.cli.options import OutOption


@command()
def guide(  # noqa: PLR0913 - one for each option
    prompts: Annotated[
        str, typer.Argument(metavar="PROMPTS", help="TEXT:WEIGHT:STOP, parted by strokes.")
    ],
    codec: Annotated[
        str, typer.Option("--codec", help="A dVAE, VQ-VAE or VQGAN: its name, or its URL.")
    ] = "demo",
    scorer: Annotated[
        str, typer.Option("--scorer", help="A CLIP: demo, a URL, or ARCHITECTURE@URL.")
    ] = "demo",
    out: OutOption = "guided.png",
    start: Annotated[str, typer.Option("--start", help="Image to start from: a path or URL.")] = "",
    film: Annotated[
        str, typer.Option("--film", help="Film of the way to write: .gif, .webp or .mp4.")
    ] = "",
    side: Annotated[
        int | None, typer.Option("--side", min=1, help="Of the picture, in pixels; the codec's.")
    ] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Of the optimizer.")] = 200,
    cutouts: Annotated[
        int, typer.Option("--cutouts", min=1, help="Parts that the scorer sees at each step.")
    ] = 16,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Of Adam; 0.1, and over codes 0.05.")
    ] = None,
    over: Annotated[
        Literal["codes", "latents"] | None,
        typer.Option("--over", help="What is optimised; of a dVAE codes, else latents."),
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", help="Over codes: divides the logits.")
    ] = 1.0,
    mixes: Annotated[
        bool, typer.Option("--mix", help="Over codes: mix vectors, and draw none.")
    ] = False,
    augments: Annotated[
        bool, typer.Option("--augment/--no-augment", help="Distort the cut-outs.")
    ] = True,
    mirrors: Annotated[bool, typer.Option("--mirror", help="Mirror half of them.")] = False,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all draws.")] = 0,
    every: Annotated[
        int, typer.Option("--every", min=1, help="Steps between two frames of the film.")
    ] = 10,
    device: Annotated[str, typer.Option("--device", help="cpu, or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option("--threads", min=1, help="Of the processor.")] = 1,
) -> None:
    r"""Optimise a picture until a CLIP finds that it is like the prompts.

    Such as `dalle guide "a red heart:1 | a blue square:-0.3" --film heart.gif`. Ctrl-C ends it with
    the picture so far.
    """
    from dalle_model.guide.settings import GuideSettings
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    try:
        settings = GuideSettings(
            steps=steps,
            cutouts=cutouts,
            rate=rate,
            over=over,
            temperature=temperature,
            mixes=mixes,
            augments=augments,
            mirrors=mirrors,
            seed=seed,
            every=every,
            device=device,
            threads=threads,
        )
    except ValueError as error:
        raise UsageError(f"--{error}") from error
    try:
        found = api.guide(
            prompts,
            codec,
            scorer,
            out,
            start=start,
            film=film,
            side=side,
            settings=settings,
            progress=TerminalProgress(),
        )
    except CutShortError as stopped:  # typer would drop what it says
        signals.say_stopped(str(stopped))
        raise
    typer.echo(str(found))

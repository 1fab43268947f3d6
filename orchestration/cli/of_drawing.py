"""The commands that draw images by a trained prior."""

from typing import TYPE_CHECKING, Annotated

import typer

from dalle_model.errors import UsageError
from orchestration.cli.app import command
from orchestration.cli.asking import found_directory
from orchestration.cli.options import FoundDirOption

if TYPE_CHECKING:
    from dalle_model.settings import SampleSettings

OutOption = Annotated[
    str, typer.Option("--out", help="PNG to write, or a folder/ that gets each image, too.")
]
NumberOption = Annotated[int, typer.Option("-n", min=1, max=512, help="Number of images.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Of the draws.")]
TemperatureOption = Annotated[float, typer.Option("--temperature", min=1e-3, max=10)]
TopKOption = Annotated[int, typer.Option("--top-k", min=0, help="0 keeps all codes.")]
TopPOption = Annotated[
    float, typer.Option("--top-p", min=1e-6, max=1, help="Of the likeliest codes; 1 for all.")
]
GuidanceOption = Annotated[
    float, typer.Option("--guidance", min=0, max=100, help="Towards the caption; 1 for none.")
]
BestOfOption = Annotated[
    int, typer.Option("--best-of", min=0, max=512, help="Draw so many and show the best -n.")
]
ScorerOption = Annotated[
    str,
    typer.Option(
        "--scorer", metavar="NAME|ARCH@FILE|URL", help="That tells the best; demo by default."
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Write number and score of each image beside the PNG.")
]


@command()
def sample(  # noqa: PLR0913 - one for each option
    captions: Annotated[
        list[str] | None, typer.Argument(metavar="CAPTION...", help="What the images should show.")
    ] = None,
    number: NumberOption = 8,
    directory: FoundDirOption = "",
    captions_file: Annotated[
        str, typer.Option("--captions", metavar="FILE", help="A text with captions, one a line.")
    ] = "",
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", help="In place of a run's: `world`, which ships, or a URL; repeatable."
        ),
    ] = None,
    out: OutOption = "samples.png",
    seed: SeedOption = 0,
    temperature: TemperatureOption = 1.0,
    top_k: TopKOption = 0,
    top_p: TopPOption = 1.0,
    guidance: GuidanceOption = 1.0,
    best_of: BestOfOption = 0,
    scorer: ScorerOption = "",
    writes_json: JsonOption = False,
) -> None:
    """Draw images for captions with the prior of a run, or the one that ships.

    For example: dalle sample "a woman pilot with dark skin" --prior world
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    drawn = api.sample(
        captions or [],
        number,
        "" if prior else found_directory(directory),
        out,
        captions_file=captions_file,
        prior=prior or [],
        settings=_settings(temperature, top_k, top_p, seed, guidance),
        best_of=best_of,
        scorer=scorer,
        writes_json=writes_json,
        progress=TerminalProgress(),
    )
    typer.echo(str(drawn))


@command()
def complete(  # noqa: PLR0913 - one for each option
    image: Annotated[str, typer.Argument(help="Any image file, or its URL.")],
    caption: Annotated[str, typer.Argument(help="What the whole image should show.")],
    keep: Annotated[
        str,
        typer.Option(
            "--keep",
            metavar="top=Y|box=X0,Y0,X1,Y1|outside=...",
            help="What stays: upper rows, a box, or all but a box; in fractions or pixels.",
        ),
    ],
    number: NumberOption = 8,
    directory: FoundDirOption = "",
    prior: Annotated[
        str, typer.Option("--prior", help="In place of a run's: `world`, which ships, or a URL.")
    ] = "",
    out: OutOption = "completions.png",
    keeps_pixels: Annotated[
        bool, typer.Option("--pixels", help="What stays is the image's, pixel for pixel.")
    ] = False,
    seed: SeedOption = 0,
    temperature: TemperatureOption = 1.0,
    top_k: TopKOption = 0,
    top_p: TopPOption = 1.0,
    guidance: GuidanceOption = 1.0,
    best_of: BestOfOption = 0,
    scorer: ScorerOption = "",
    writes_json: JsonOption = False,
) -> None:
    """Keep a part of an image and draw the rest of it for a caption.

    For example: dalle complete cat.png "the exact same cat on the top as a sketch on the bottom"
    --keep top=15/32
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    drawn = api.complete(
        image,
        caption,
        keep,
        number,
        "" if prior else found_directory(directory),
        out,
        prior=prior,
        keeps_pixels=keeps_pixels,
        settings=_settings(temperature, top_k, top_p, seed, guidance),
        best_of=best_of,
        scorer=scorer,
        writes_json=writes_json,
        progress=TerminalProgress(),
    )
    typer.echo(str(drawn))


def _settings(
    temperature: float, top_k: int, top_p: float, seed: int, guidance: float
) -> "SampleSettings":
    from dalle_model.settings import SampleSettings

    try:
        return SampleSettings(temperature, top_k or None, seed, guidance, top_p=top_p)
    except ValueError as error:  # `nan` is no value of a range
        raise UsageError(str(error)) from error

"""The commands `dalle evaluate …`: how good images are, by numbers and by people."""

from collections.abc import Callable
from typing import Annotated

import typer

from dalle_model.errors import UsageError
from orchestration.cli.app import app
from orchestration.cli.options import EPILOG, HELP_OPTIONS

group = typer.Typer(
    name="evaluate",
    context_settings=HELP_OPTIONS,
    invoke_without_command=True,
    rich_markup_mode=None,
    help="Judge samples and reconstructions, by numbers and by people.",
    epilog=EPILOG,
)
app.add_typer(group)


def evaluate_command(
    name: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command of the group."""
    return group.command(name, context_settings=HELP_OPTIONS, epilog=EPILOG)


@group.callback()
def _without_command(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@evaluate_command()
def samples(  # noqa: PLR0913 - a parameter an option
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SAMPLES...", help="Folders of images, or runs with samples."),
    ],
    reference: Annotated[
        str,
        typer.Option("--reference", metavar="SET", help="Folder, COCO, CUB, or moments (.npz)."),
    ],
    features: Annotated[
        str,
        typer.Option("--features", metavar="NAME", help="Such as inception-fid@FILE, clip:demo."),
    ],
    classifier: Annotated[
        str, typer.Option("--classifier", metavar="NAME", help="Another one, for the IS.")
    ] = "",
    scorer: Annotated[
        str, typer.Option("--scorer", metavar="NAME", help="A CLIP, for CLIPScore, R-precision.")
    ] = "",
    blur: Annotated[
        str, typer.Option("--blur", help="Radii of a blur on both sides, such as 0,1,2,4,8.")
    ] = "0",
    best_of: Annotated[
        str,
        typer.Option("--best-of", help="Images of a caption to choose one from, such as 1,2,4."),
    ] = "",
    precision_recall: Annotated[
        bool, typer.Option("--precision-recall", help="Also these; slow of many images.")
    ] = False,
    without: Annotated[
        str, typer.Option("--without", metavar="LIST", help="Also measure without these images.")
    ] = "",
    captions: Annotated[
        str, typer.Option("--captions", help="File of the reference, where it has several.")
    ] = "",
    side: Annotated[
        int, typer.Option("--side", min=0, help="Pixels of every image; 0 leaves it as it is.")
    ] = 256,
    out: Annotated[str, typer.Option("--out", help="Folder to write.")] = "evaluation",
) -> None:
    """Judge folders of images against a reference, whoever made them.

    Example: dalle evaluate samples ours/ dm-gan/ --reference coco/ --features
    inception-fid@pt_inception.pth --blur 0,1,2,4,8
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.evaluate.samples(
        sources,
        reference,
        features=features,
        classifier=classifier,
        scorer=scorer,
        blur=_numbers("--blur", blur, float),
        best_of=[int(number) for number in _numbers("--best-of", best_of, int)],
        precision_recall=precision_recall,
        without=without,
        captions=captions,
        side=side,
        out=out,
        progress=TerminalProgress(),
    )
    typer.echo(str(found))


@evaluate_command()
def codec(
    name: Annotated[str, typer.Argument(metavar="CODEC", help="A codec's name, or its URL.")],
    images: Annotated[str, typer.Option("--images", metavar="SET", help="Folder, COCO or CUB.")],
    features: Annotated[
        str, typer.Option("--features", metavar="NAME", help="For the rFID, such as clip:demo.")
    ] = "",
    lpips: Annotated[
        str, typer.Option("--lpips", metavar="NAME", help="Such as lpips@vgg16.pth,vgg.pth.")
    ] = "",
    out: Annotated[str, typer.Option("--out", help="Folder to write.")] = "evaluation",
) -> None:
    """Judge a codec by images that it encodes and decodes.

    Example: dalle evaluate codec demo --images photos/ --features clip:demo
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.evaluate.codec(
        name, images, features=features, lpips=lpips, out=out, progress=TerminalProgress()
    )
    typer.echo(str(found))


@evaluate_command()
def overlap(
    directory: Annotated[str, typer.Argument(metavar="RUN", help="Directory of a run.")],
    reference: Annotated[
        str,
        typer.Option("--reference", metavar="SET", help="Folder, COCO or CUB; else the run's own."),
    ] = "",
    captions: Annotated[
        str, typer.Option("--captions", help="File of the set, where it has several.")
    ] = "",
    scorer: Annotated[
        str, typer.Option("--scorer", metavar="NAME", help="A CLIP, to compare by content too.")
    ] = "",
    max_hamming: Annotated[
        int | None, typer.Option("--max-hamming", min=0, max=63, help="Bits that may differ.")
    ] = None,
    min_cosine: Annotated[
        float | None, typer.Option("--min-cosine", min=-1, max=1, help="Of vectors of --scorer.")
    ] = None,
    out: Annotated[str, typer.Option("--out", help="Folder to write.")] = "overlap",
) -> None:
    """Find which images of an evaluation set a run would train on.

    Example: dalle evaluate overlap runs/my-run --reference coco/ --out overlap
    """
    from orchestration import api
    from orchestration.cli.progress import TerminalProgress

    found = api.evaluate.overlap(
        directory,
        reference=reference,
        captions=captions,
        scorer=scorer,
        max_hamming=max_hamming,
        min_cosine=min_cosine,
        out=out,
        progress=TerminalProgress(),
    )
    typer.echo(str(found))


@evaluate_command("captions")
def drawn_captions(
    reference: Annotated[str, typer.Argument(metavar="SET", help="Folder, COCO or CUB.")],
    out: Annotated[str, typer.Argument(metavar="CSV", help="Table to write.")],
    number: Annotated[int, typer.Option("-n", min=1, help="Number of captions.")] = 30_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the draw.")] = 0,
    captions: Annotated[
        str, typer.Option("--captions", help="File of the set, where it has several.")
    ] = "",
) -> None:
    """Draw the captions that models are to draw images for.

    Example: dalle evaluate captions coco/ captions.csv
    """
    from orchestration import api

    found = api.evaluate.captions(reference, out, number=number, seed=seed, captions=captions)
    typer.echo(str(found))


def _numbers(option: str, text: str, kind: type[float]) -> list[float]:
    try:
        return [kind(number) for number in text.split(",") if number.strip()]
    except ValueError as error:
        raise UsageError(f"{option} {text}: give numbers with commas, such as 1,2,4") from error

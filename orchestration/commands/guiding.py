"""The command that guides a picture towards prompts, through the decoder of a codec."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dalle_model import files
from dalle_model.errors import UsageError
from dalle_model.guide.settings import GuideSettings
from dalle_model.train.stopping import CutShortError, is_asked, stoppable
from orchestration.engine.progress import Progress, Quiet

if TYPE_CHECKING:
    from dalle_model.guide.guided import Guiding
    from dalle_model.guide.loop import Frame
    from dalle_model.guide.prompts import Prompt
    from dalle_model.tokenizers.codec import Codec


@dataclass(frozen=True)
class Similarity:
    """The cosines of whole pictures, as they are shown, and a prompt.

    Args:
        prompt: its text; empty for the control, a caption without words.
        weight: of the prompt; None for the control, which guides nothing.
        first: of the picture before the first step.
        last: of the last one.
        noise: of a picture of random pixels, as a control.
    """

    prompt: str
    weight: float | None
    first: float
    last: float
    noise: float

    def __str__(self) -> str:
        name = self.prompt if self.weight is not None else "(control: no words)"
        weight = "" if self.weight is None else f"{self.weight:g}"
        shown = f"{name[:48]:<48} {weight:>6}"
        return f"{shown} {self.first:>7.3f} {self.last:>7.3f} {self.noise:>7.3f}"


@dataclass(frozen=True)
class GuideResult:
    """A picture that was guided.

    Args:
        picture: URL of its PNG.
        film: URL of the film; empty where none was asked for.
        num_frames: of the film.
        steps: that were taken.
        similarities: of each prompt, and of the control.
    """

    picture: str
    film: str
    num_frames: int
    steps: int
    similarities: list[Similarity]

    def __str__(self) -> str:
        titles = f"{'similarity':<48} {'weight':>6} {'first':>7} {'last':>7} {'noise':>7}"
        film = f"\nfilm     {self.film} ({self.num_frames} frames)" if self.film else ""
        lines = [titles, *map(str, self.similarities), f"picture  {self.picture}{film}"]
        return "\n".join(lines)


def guide(  # noqa: PLR0913 - the options of the command
    prompts: str,
    codec: str = "demo",
    scorer: str = "demo",
    out: str = "guided.png",
    *,
    start: str = "",
    film: str = "",
    side: int | None = None,
    settings: GuideSettings | None = None,
    progress: Progress | None = None,
) -> GuideResult:
    """Optimise a picture until a CLIP finds that it is like the prompts (docs/guide.md).

    Args:
        prompts: such as `a red heart:1 | a blue square:0.5 | text:-0.3`; what ends as the name of
            an image is the path or URL of one.
        codec: through whose decoder: a name, or the URL of a dVAE, a VQ-VAE or a VQGAN.
        scorer: a CLIP, as `dalle_model.clip.registry.load_scorer` names it.
        out: URL of the PNG to write.
        start: path or URL of an image to start from, whose centre is taken; empty for random codes.
        film: URL of a film of the way to write, a `.gif`, `.webp` or `.mp4`; empty for none.
        side: height and width of the picture, in pixels; those of the codec by default.
        settings: how it is guided.
        progress: receives each step.

    Raises:
        PromptError: prompts cannot be read.
        PictureError: an image that was named cannot be.
        CodecError: the codec is not there, or no gradient passes through its decoder.
        ScorerError: the scorer is not there, or no gradient passes through it.
        FilmError: a film of this name cannot be made.
        UsageError: a file to write is a folder, or the codec takes no pictures of this side.
        CutShortError: it was asked to stop; what there was is written.
    """
    from dalle_model.guide.prompts import parse_prompts

    given, follow = settings or GuideSettings(), progress or Quiet()
    parsed = parse_prompts(prompts)
    _check_files(out, film)
    guiding = _begin(parsed, codec, scorer, start, side, given)
    with follow.stage("guide"), stoppable():
        frames = list(guiding.frames(follow.step, is_asked))
        _write(frames, out, film)
    steps = frames[-1].step
    if steps < given.steps:
        also = f", the film in {film}" if film else ""
        raise CutShortError(
            f"stopped after step {steps:,} of {given.steps:,}; the picture so far is in {out}{also}"
        )
    return GuideResult(out, film, len(frames), steps, _similarities(guiding, parsed, frames))


def _check_files(out: str, film: str) -> None:
    """Refuse what could not be written after all the work."""
    from dalle_model.guide.film import check_film

    if film:
        check_film(film)
    for url in filter(None, (out, film)):
        if files.is_folder(url):
            raise UsageError(f"{url} is a folder; name a file in it")


def _begin(
    prompts: "Sequence[Prompt]",
    codec: str,
    scorer: str,
    start: str,
    side: int | None,
    settings: GuideSettings,
) -> "Guiding":
    from orchestration.pictures import filled, read_picture

    pictures = {prompt.text: read_picture(prompt.text) for prompt in prompts if prompt.is_image}
    first = read_picture(start) if start else None  # before torch is loaded
    from dalle_model.clip.registry import load_scorer
    from dalle_model.guide.guided import begin

    drawn_by = _codec(codec, side)
    fitted = None if first is None else filled(first, drawn_by.facts.image_shape)
    return begin(prompts, pictures, drawn_by, load_scorer(scorer), scorer, settings, fitted)


def _codec(name: str, side: int | None) -> "Codec":
    from dalle_model.tokenizers.abilities import of_shape
    from dalle_model.tokenizers.registry import load_codec

    codec = load_codec(name)
    try:
        return codec if side is None else of_shape(codec, (side, side))
    except ValueError as error:
        raise UsageError(f"side {side}: {error}") from error


def _write(frames: "Sequence[Frame]", out: str, film: str) -> None:
    from dalle_model.guide.film import film as film_of
    from dalle_model.pixels import to_png

    files.write_bytes(out, to_png(frames[-1].picture))
    if film:
        files.write_bytes(film, film_of([frame.picture for frame in frames], film))


def _similarities(
    guiding: "Guiding", prompts: "Sequence[Prompt]", frames: "Sequence[Frame]"
) -> list[Similarity]:
    from dalle_model.guide.guided import noise_picture

    first, last = frames[0], frames[-1]
    noise = noise_picture(first.picture.shape[:2], guiding.settings.seed)
    shown = zip(first.similarities, last.similarities, guiding.similarities(noise), strict=True)
    found = [
        Similarity(prompt.text, prompt.weight, *map(float, cosines))
        for prompt, cosines in zip(prompts, shown, strict=True)
    ]
    pictures = (first.picture, last.picture, noise)
    return [*found, Similarity("", None, *map(guiding.without_words, pictures))]

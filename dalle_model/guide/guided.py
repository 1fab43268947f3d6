"""Guidance put together: a codec, a scorer and prompts become pictures on their way."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dalle_model.clip.clip_scorer import ClipScorer
from dalle_model.clip.differentiable import ImageTower, image_tower
from dalle_model.clip.scorer import Embedder, Scorer
from dalle_model.guide.canvas import Canvas, CodesCanvas, LatentCanvas, latents_of, logits_of
from dalle_model.guide.decoding import Decoding, decoding_of
from dalle_model.guide.loop import Frame, guide
from dalle_model.guide.loss import Target
from dalle_model.guide.prompts import Prompt
from dalle_model.guide.settings import GuideSettings
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.tokenizers.abilities import check_device
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.dvae_codec import DvaeCodec

NO_WORDS = ""  # a prompt that is about nothing: what a picture gains with it, it gains with any


@dataclass(frozen=True)
class Guiding:
    """All that steps need, loaded and checked.

    Args:
        canvas: a fresh one.
        tower: the scorer's.
        targets: the prompts as the scorer sees them.
        embedder: the scorer, as it judges whole pictures.
        generator: of all draws.
        settings: of the guidance.
    """

    canvas: Canvas
    tower: ImageTower
    targets: Sequence[Target]
    embedder: Embedder
    generator: torch.Generator
    settings: GuideSettings

    def frames(
        self, on_step: OnStep = ignore_steps, is_stopped: Callable[[], bool] = lambda: False
    ) -> Iterator[Frame]:
        """Guide the picture; as `loop.guide`."""
        return guide(
            self.canvas,
            self.tower,
            self.targets,
            self.similarities,
            self.generator,
            self.settings,
            on_step,
            is_stopped,
        )

    def similarities(self, picture: Rgb) -> NDArray[np.float32]:
        """The cosines of a whole picture and each prompt."""
        vectors_NE = np.stack([target.vector.cpu().numpy() for target in self.targets])
        return np.asarray(vectors_NE @ self.embedder.embed_images([picture])[0], np.float32)

    def without_words(self, picture: Rgb) -> float:
        """The cosine of a whole picture and a caption without words, as a control."""
        (about_nothing_E,) = self.embedder.embed_texts([NO_WORDS])
        return float(about_nothing_E @ self.embedder.embed_images([picture])[0])


def begin(
    prompts: Sequence[Prompt],
    pictures: Mapping[str, Rgb],
    codec: Codec,
    scorer: Scorer,
    scorer_name: str,
    settings: GuideSettings,
    start: Rgb | None = None,
) -> Guiding:
    """Put a guidance together.

    Args:
        prompts: at least one of weight other than 0.
        pictures: of the prompts that name an image, uint8 of any shape, by their text.
        codec: whose decoder draws, and whose encoder reads the start.
        scorer: that guides.
        scorer_name: for messages.
        settings: of the guidance.
        start: uint8, of the codec's `image_shape`; None for random codes.

    Raises:
        CodecError: the codec cannot be used for it, or there is no such device.
        ScorerError: the scorer cannot.
    """
    check_device(settings.device)
    device = torch.device(settings.device)
    decoding = decoding_of(codec, device)
    tower = image_tower(scorer, scorer_name, device)
    assert isinstance(scorer, ClipScorer)  # `image_tower` takes no other
    generator = torch.Generator().manual_seed(settings.seed)
    codes_GG = None if start is None else _codes(codec, start)
    over = settings.over or ("codes" if isinstance(codec, DvaeCodec) else "latents")
    make = {"codes": _codes_canvas, "latents": _latent_canvas}[over]
    target = partial(_target, embedder=scorer, pictures=pictures, device=device)
    return Guiding(
        make(decoding, codes_GG, generator, settings),
        tower,
        [target(prompt) for prompt in prompts],
        scorer,
        generator,
        settings,
    )


def noise_picture(shape: tuple[int, int], seed: int) -> Rgb:
    """A control: each value of each pixel drawn evenly, uint8 `(height, width, 3)`."""
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), np.uint8)


def _codes(codec: Codec, start: Rgb) -> Tensor:
    codes = codec.encode(start[None])[0].astype(np.int64)
    return torch.from_numpy(codes).view(codec.facts.token_shape)


def _codes_canvas(
    decoding: Decoding,
    codes_GG: Tensor | None,
    generator: torch.Generator,
    settings: GuideSettings,
) -> Canvas:
    logits_PK = logits_of(decoding, codes_GG, settings.temperature, generator)
    return CodesCanvas(decoding, logits_PK, settings.temperature, generator, mixes=settings.mixes)


def _latent_canvas(
    decoding: Decoding,
    codes_GG: Tensor | None,
    generator: torch.Generator,
    _settings: GuideSettings,
) -> Canvas:
    return LatentCanvas(decoding, latents_of(decoding, codes_GG, generator))


def _target(
    prompt: Prompt, embedder: Embedder, pictures: Mapping[str, Rgb], device: torch.device
) -> Target:
    (vector_E,) = (
        embedder.embed_images([pictures[prompt.text]])
        if prompt.is_image
        else embedder.embed_texts([prompt.text])
    )
    return Target(torch.from_numpy(vector_E).to(device), prompt.weight, prompt.stop)

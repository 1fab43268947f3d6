"""A CLIP as a scorer: the cosine of an image and its caption.

Images and captions go through the model one at a time, in one thread, so that no score depends on
its neighbours: of a batch, the last bits do (docs/similarity.md has what that costs).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from dalle_model.clip.architecture import Transform
from dalle_model.pixels import Rgb
from dalle_model.threads import pinned_kernels


class ClipScorer:
    """A model of open_clip; a `dalle_model.clip.scorer.Scorer` and `Embedder`.

    Args:
        model: any with `encode_image` and `encode_text`, in float32 on the CPU.
        transform: makes its input of an image of PIL.
        tokenize: makes ids `(n, context)` of captions.
    """

    def __init__(
        self, model: nn.Module, transform: Transform, tokenize: Callable[[list[str]], Tensor]
    ) -> None:
        self.model: Any = model.eval()
        self.transform, self._tokenize = transform, tokenize

    def score(self, images: Sequence[Rgb], captions: Sequence[str]) -> NDArray[np.float32]:
        """The cosine of each image and its caption, float32 `(n,)` in [-1, 1].

        Raises:
            ValueError: there are more of the ones than of the others.
        """
        if len(images) != len(captions):
            raise ValueError(f"{len(images)} images and {len(captions)} captions")
        products = self.embed_images(images) * self.embed_texts(captions)
        return np.asarray(products.sum(axis=-1).clip(-1, 1), np.float32)

    def embed_images(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Their vectors, float32 `(n, d)`, of length 1."""
        inputs = (self.transform(Image.fromarray(image))[None] for image in images)
        return self._embedded(self.model.encode_image, inputs)

    def embed_texts(self, captions: Sequence[str]) -> NDArray[np.float32]:
        """Their vectors, float32 `(n, d)`, of length 1; what is beyond the context is cut off."""
        inputs = (self._tokenize([caption]) for caption in captions)
        return self._embedded(self.model.encode_text, inputs)

    def _embedded(
        self, encode: Callable[..., Tensor], inputs: Iterable[Tensor]
    ) -> NDArray[np.float32]:
        with pinned_kernels(), torch.inference_mode():
            rows = [encode(one, normalize=True)[0].numpy() for one in inputs]
        return np.array(rows, np.float32) if rows else np.zeros((0, self._width()), np.float32)

    def _width(self) -> int:
        """Values of a vector, where there is none to look at."""
        return int(self.embed_texts([""]).shape[1])

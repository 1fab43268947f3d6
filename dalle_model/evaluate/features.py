"""What maps images to the vectors that distances of sets are measured between, and by which rule.

A distance says something only between vectors of one convention: the same network, weights, scaling
and range of pixels. So each has its facts, and what differs in one of them is never compared.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb

_CLIP, _SCRIPTS = "clip:", ("dino", "script")
_FORMS = (
    "`pixels`, `clip:SCORER`, `inception-fid@FILE`, `inception-clean@FILE`, `inception-tf@FILE`, "
    "`inception-is@FILE`, `inception-torchvision@FILE`, `dino@FILE` and `script@FILE.yaml`"
)


class FeaturesError(UsageError):
    """A feature function cannot be found or used, or two that differ would be compared."""


@dataclass(frozen=True)
class FeatureFacts:
    """What decides the vectors of a feature function; equal facts, comparable vectors.

    Args:
        name: of the function, without the file of its weights.
        convention: how an image becomes its input, and what is read, in words.
        sha256: of the weights; empty where there are none.
        dim: values of a vector.
        input_size: height and width that an image is scaled to; None where the function says none.
        resize: the filter that scales it.
    """

    name: str
    convention: str
    sha256: str
    dim: int
    input_size: tuple[int, int] | None
    resize: str

    @property
    def is_comparable(self) -> bool:
        """Whether others have published distances by it; of a function without weights, no."""
        return bool(self.sha256)


class FeatureFunction(Protocol):
    """Maps images to vectors by one fixed convention."""

    @property
    def facts(self) -> FeatureFacts:
        """What decides the vectors."""

    def features(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Vectors of images, each of which depends on its image alone.

        Args:
            images: uint8 `(height, width, 3)`, each of its own size.

        Returns:
            float32 `(n, dim)`.
        """


@runtime_checkable
class Classifier(FeatureFunction, Protocol):
    """A feature function that tells classes too, as the Inception score needs."""

    def logits(self, images: Sequence[Rgb]) -> NDArray[np.float32]:
        """Logits of the classes, float32 `(n, classes)`, each row of its image alone."""

    def logits_of(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The same, of features of it that are there already: most of the work is done then."""


def load_features(name: str) -> FeatureFunction:
    """Load a feature function; those of Inception are a `Classifier` too.

    Args:
        name: `pixels` for mean colours and edges, comparable with nothing published;
            `clip:SCORER` for a scorer of `dalle_model.clip` that embeds;
            `inception-fid@FILE`, `inception-clean@FILE` and `inception-tf@FILE` for the Inception
            of 2015 as pytorch-fid, clean-fid and torch-fidelity scale its input,
            `inception-is@FILE` as the Inception scores of AttnGAN and DM-GAN;
            `inception-torchvision@FILE` for torchvision's, as DM-GAN's FID;
            `dino@FILE` for a DINO as TorchScript; `script@FILE.yaml` for any TorchScript.

    Raises:
        FeaturesError: unknown, missing, damaged, or of another architecture.
        ScorerError: likewise, of a scorer.
    """
    kind, _, url = name.partition("@")
    if name == "pixels":
        from dalle_model.evaluate.pixel_features import PixelFeatures

        return PixelFeatures()
    if name.startswith(_CLIP):
        from dalle_model.evaluate.clip_features import ClipFeatures

        return ClipFeatures(name.removeprefix(_CLIP))
    kind, _, url = name.partition("@")
    if url and kind in _SCRIPTS:
        from dalle_model.evaluate.script_features import ScriptFeatures, dino_form, read_form

        return ScriptFeatures(kind, dino_form(url) if kind == "dino" else read_form(url))
    if url and kind.startswith("inception-"):
        from dalle_model.evaluate.inception_features import CONVENTIONS, InceptionFeatures

        if kind in CONVENTIONS:
            return InceptionFeatures(kind, url)
    raise FeaturesError(f"no feature function {name!r}; known are {_FORMS}")


def require_same(one: FeatureFacts, other: FeatureFacts) -> None:
    """Refuse to compare vectors of two conventions.

    Raises:
        FeaturesError: in which facts they differ.
    """
    ours, theirs = asdict(one), asdict(other)
    differences = [
        f"{key} {ours[key]!r} and {theirs[key]!r}" for key in ours if ours[key] != theirs[key]
    ]
    if differences:
        raise FeaturesError(
            f"features of {one.name} cannot be compared with those of {other.name}: they differ in "
            f"{'; '.join(differences)}. Compute both sets by one feature function"
        )

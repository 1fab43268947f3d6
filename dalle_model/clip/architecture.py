"""open_clip's models by their configs: of a known architecture, of a file, or of a checkpoint.

Two dicts as open_clip has them: `model`, the arguments of its classes, and `preprocess`, how images
are prepared. A file is in the form of its `model_configs/*.json`, or of an `open_clip_config.json`
as published beside weights, which has both.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

from torch import Tensor, nn

from dalle_model import files
from dalle_model.clip.scorer import ScorerError

Transform = Callable[[Any], Tensor]
_PARTS = ("embed_dim", "vision_cfg", "text_cfg")
CONFIG_SUFFIX = ".json"


@dataclass(frozen=True)
class Architecture:
    """A model without its weights.

    Args:
        name: of open_clip, or the URL of a file; for messages, and to find the text tokenizer.
        model: the arguments of a class of open_clip, which `custom_text` and others choose.
        preprocess: fields of open_clip's `PreprocessCfg`; what is missing is its default.
    """

    name: str
    model: Mapping[str, Any]
    preprocess: Mapping[str, Any]

    def build(self) -> nn.Module:
        """The model with random weights, in float32 on the CPU.

        Raises:
            ScorerError: open_clip makes none of this config.
        """
        from open_clip.coca_model import CoCa
        from open_clip.model import CLIP, CustomTextCLIP

        arguments = _without_downloads(self.model)
        is_custom = arguments.pop("custom_text", False) or "hf_model_name" in arguments["text_cfg"]
        kind = (CoCa if "multimodal_cfg" in arguments else CustomTextCLIP) if is_custom else CLIP
        try:
            return kind(**arguments)  # type: ignore[no-any-return]  # open_clip has no types
        except Exception as error:  # whatever a wrong config meets in timm, transformers or torch
            raise ScorerError(f"open_clip makes no model of {self.name}: {error!r}") from error

    def transform(self) -> Transform:
        """How an image of PIL becomes the input of the model: open_clip's own, for evaluation.

        Source: open_clip 3.3 `transform.py`, `image_transform_v2`: resized, cropped, normalised.
        """
        from open_clip.transform import PreprocessCfg, image_transform_v2

        known = asdict(PreprocessCfg(size=self.model["vision_cfg"].get("image_size", 224)))
        given = {name: value for name, value in self.preprocess.items() if name in known}
        transform: Transform = image_transform_v2(PreprocessCfg(**known | given), is_train=False)
        return transform

    def tokenizer(self) -> Callable[[list[str]], Tensor]:
        """The text tokenizer that open_clip has for it: captions to ids, `(n, context)`.

        Raises:
            ScorerError: it is one that would be downloaded.
        """
        from open_clip import tokenizer
        from open_clip.factory import get_tokenizer

        text = self.model["text_cfg"]
        length = text.get("context_length", tokenizer.DEFAULT_CONTEXT_LENGTH)
        if self.name.endswith(CONFIG_SUFFIX) and not text.get("hf_tokenizer_name"):
            options = text.get("tokenizer_kwargs") or {}
            made: Callable[..., Tensor] = tokenizer.SimpleTokenizer(
                context_length=length, **options
            )
            return made
        try:
            found: Callable[..., Tensor] = get_tokenizer(self.name, context_length=length)
        except Exception as error:  # of transformers or the Hub: missing, or not reached
            raise ScorerError(
                f"the text tokenizer of {self.name} is not on this machine: {str(error)[:300]}; "
                "open_clip keeps it in the cache of the Hugging Face Hub once it was used"
            ) from error
        return found


def known_architecture(name: str) -> Architecture:
    """An architecture by open_clip's name, or by the URL of a JSON file.

    Raises:
        ScorerError: it is unknown, or the file is none of open_clip's.
    """
    if name.endswith(CONFIG_SUFFIX):
        return _read(name)
    from open_clip.factory import get_model_config, list_models

    config = None if ":" in name else get_model_config(name)  # a colon would be one of the Hub
    if config is None:
        near = get_close_matches(name, list_models(), n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        raise ScorerError(
            f'open_clip knows no architecture {name!r}; {meant}`python -c "import open_clip; '
            'print(open_clip.list_models())"` lists them, and a JSON file describes any other'
        )
    return Architecture(name, config, {})


def _read(url: str) -> Architecture:
    try:
        document = files.read_json(url)
        model = document.get("model_cfg", document)
        missing = [part for part in _PARTS if part not in model]
        preprocess = dict(document.get("preprocess_cfg") or {})
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ScorerError(f"{url} describes no model of open_clip: {error}") from error
    if missing:
        raise ScorerError(f"{url} describes no model of open_clip: it has no {missing[0]!r}")
    return Architecture(url, model, preprocess)


def _without_downloads(model: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a model all of whose weights are to come from its checkpoint."""
    arguments = deepcopy(dict(model))
    if "timm_model_name" in arguments["vision_cfg"]:
        arguments["vision_cfg"]["timm_model_pretrained"] = False
    if "hf_model_name" in arguments["text_cfg"]:
        arguments["text_cfg"]["hf_model_pretrained"] = False
    return arguments

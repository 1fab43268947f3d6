"""From captions to images: a DALL·E mini draws codes, the codec decodes them.

Same seed, same image: whatever the number of images, and whatever else is drawn. Each caption is
read by itself, and layers get batches of one size, as in `dalle_model.sample.sampler`.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the name that the field uses)
from torch import Tensor

from dalle_model.mini.model import Mini, MiniState
from dalle_model.mini.settings import MiniDrawing
from dalle_model.mini.trained import TrainedMini
from dalle_model.pixels import Rgb
from dalle_model.progress import OnStep, ignore_steps
from dalle_model.sample.sampler import LAYER_BATCH, Guidance, draw_uniforms, pick_codes
from dalle_model.tokenizers.codec import Codec

# Shape letters: M captions, T text positions, B images at once, P streams: those of captions and,
# where drawing is guided, as many of the empty one; I image positions, C codes.


def generate_images(
    trained: TrainedMini,
    codec: Codec,
    captions: Sequence[str],
    n: int,
    settings: MiniDrawing,
    on_step: OnStep = ignore_steps,
) -> Rgb:
    """Draw `n` images for each caption.

    Args:
        trained: the mini, of codes of this codec.
        codec: the one that made the tokens of its training.
        captions: what the images should show; of long ones the beginning is read.
        n: images of each caption.
        settings: how they are drawn.
        on_step: called after each batch with the number of images so far.

    Returns:
        uint8 `(len(captions), n, height, width, 3)`.
    """
    config = trained.model.config
    read = trained.tokenizer.encode_batch(["", *captions], config.text_len, config.text_pad)
    empty_T, text_MT = torch.from_numpy(read[0]), torch.from_numpy(read[1:])
    total = len(captions) * n
    images = np.zeros((total, *codec.facts.image_shape, 3), np.uint8)
    uniforms_NI = draw_uniforms(text_MT, range(n), config.image_len, settings.seed)
    caption_N = torch.arange(len(text_MT)).repeat_interleave(n)
    for start in range(0, total, LAYER_BATCH):
        now = slice(start, start + LAYER_BATCH)
        drawn = (text_MT[caption_N[now]], empty_T, uniforms_NI[now])
        codes_BI = generate_codes(trained.model, *drawn, settings)
        for place, codes_I in enumerate(codes_BI.numpy(), start):
            images[place] = codec.decode(codes_I[None].astype(np.uint16))[0]
        on_step(min(total, now.stop), total, {})
    return images.reshape(len(captions), n, *images.shape[1:])


@torch.inference_mode()
def generate_codes(
    model: Mini, text_BT: Tensor, empty_T: Tensor, uniforms_BI: Tensor, settings: MiniDrawing
) -> Tensor:
    """Draw the codes of one image for each row, int64 `(B, I)`.

    Args:
        model: in the precision and on the device to use.
        text_BT: captions, at most `LAYER_BATCH` of them.
        empty_T: the empty caption.
        uniforms_BI: in [0, 1), from `draw_uniforms`.
        settings: how they are drawn.
    """
    guidance = None if settings.cond_scale == 1 else Guidance(settings.cond_scale, empty_T)
    state, count = _read(model, text_BT, guidance), len(text_BT)
    token_B = torch.full((count,), model.config.start, device=text_BT.device)
    codes: list[Tensor] = []
    for position, uniform_B in enumerate(uniforms_BI.unbind(dim=1)):
        filled = F.pad(token_B, (0, LAYER_BATCH - count))
        token_P = filled if guidance is None else filled.repeat(2)
        logits_PC = model.step(token_P, position, state)
        guided = logits_PC if guidance is None else guidance.of(logits_PC)
        token_B = pick_codes(
            guided[:count],
            uniform_B,
            settings.temperature,
            settings.gen_top_k,
            1.0 if settings.gen_top_p is None else settings.gen_top_p,
        )
        codes.append(token_B)
    return torch.stack(codes, dim=1)


def _read(model: Mini, text_BT: Tensor, guidance: Guidance | None) -> MiniState:
    """Read each caption once and by itself; a state of `LAYER_BATCH` streams, or twice as many.

    Streams without an image read the first caption.
    """
    used_MT, index_B = torch.unique(text_BT, dim=0, return_inverse=True)
    index_P = F.pad(index_B, (0, LAYER_BATCH - len(index_B)))
    if guidance is not None:
        used_MT = torch.cat([used_MT, guidance.empty[None]])
        index_P = torch.cat([index_P, torch.full_like(index_P, len(used_MT) - 1)])
    states = [model.prefill(text_T[None]) for text_T in used_MT]
    return _joined(states).spread(index_P)


def _joined(states: Sequence[MiniState]) -> MiniState:
    """The states of several captions before their first token, as one."""

    def of_layers(parts: Sequence[list[tuple[Tensor, Tensor]]]) -> list[tuple[Tensor, Tensor]]:
        return [
            (torch.cat([keys for keys, _ in layer]), torch.cat([values for _, values in layer]))
            for layer in zip(*parts, strict=True)
        ]

    mask = torch.cat([state.mask for state in states])
    captions, images = [s.captions for s in states], [s.images for s in states]
    return MiniState(mask, of_layers(captions), of_layers(images))

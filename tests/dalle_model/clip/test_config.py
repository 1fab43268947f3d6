import pytest
import torch
from open_clip.factory import get_model_config

from dalle_model.clip.config import CLIP_PRESETS, MEAN, STD, ClipConfig


def test_the_preset_is_open_clips_vit_b_32_but_for_the_text_tokenizer():
    """Whose 49,408 ids are 49,152 merges and bytes, and 256 more: openai/CLIP's own count."""
    ours, theirs = CLIP_PRESETS["vit-b-32"].open_clip(49_407), get_model_config("ViT-B-32")
    ours["vision_cfg"].pop("head_width")
    assert ours == theirs


def test_images_are_normalised_as_open_clip_does_it():
    from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD

    assert (MEAN, STD) == (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"patch_size": 24}, "image_size 64 must be a multiple of 24"),
        ({"vision_head_width": 48}, "vision_width 128 must be a multiple of 48"),
        ({"text_heads": 3}, "text_width 128 must be a multiple of 3"),
        ({"text_len": 1}, "text_len must be at least 2"),
        ({"embed_dim": 0}, "at least 1"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(sizes, said):
    with pytest.raises(ValueError, match=said):
        ClipConfig(**sizes)


def test_open_clip_takes_the_sizes():
    from open_clip.model import CLIP

    model = CLIP(**ClipConfig().open_clip(2048))
    assert model.encode_image(torch.zeros(1, 3, 64, 64)).shape == (1, 128)
    assert model.token_embedding.num_embeddings == 2049

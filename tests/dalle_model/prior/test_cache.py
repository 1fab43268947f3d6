import pytest
import torch

from dalle_model.prior.cache import LayerCache, num_slots, slots, spread_captions
from dalle_model.prior.masks import MaskKind, image_mask
from dalle_model.prior.pattern import Pattern

KINDS = pytest.mark.parametrize("kind", list(MaskKind))


def random_qkv(positions: int, batch: int = 2) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randn(batch, positions, 3, 2, 8, generator=draw)


def attend_stepwise(pattern: Pattern, qkv: torch.Tensor) -> tuple[torch.Tensor, LayerCache]:
    text, image = qkv[:, : pattern.text_len], qkv[:, pattern.text_len :]
    cache = LayerCache(pattern)
    mixed = [cache.attend(text), *(cache.attend(token) for token in image.split(1, dim=1))]
    return torch.cat(mixed, dim=1), cache


@KINDS
@pytest.mark.parametrize("sizes", [(1, 1, 3), (3, 2, 5), (5, 3, 3), (4, 5, 5), (2, 4, 11)])
def test_steps_equal_the_whole_stream(kind: MaskKind, sizes: tuple[int, int, int]) -> None:
    pattern = Pattern(kind, *sizes)
    qkv = random_qkv(sizes[0] + sizes[1] ** 2)
    mixed, _ = attend_stepwise(pattern, qkv)
    torch.testing.assert_close(mixed, pattern.attend(qkv), atol=1e-5, rtol=0)


@KINDS
def test_slots_hold_the_tokens_that_the_mask_allows(kind: MaskKind) -> None:
    pattern, held = Pattern(kind, 3, 6, 5), {}
    for position, allowed in enumerate(image_mask(kind, 6, 5)):
        write, read = slots(pattern, position)
        held[write] = position
        places = range(num_slots(pattern))[read] if isinstance(read, slice) else read
        assert sorted(held[place] for place in places) == allowed.nonzero().flatten().tolist()


def test_slots_at_the_papers_size() -> None:
    kept = {kind: num_slots(Pattern(kind, 256, 32, 11)) for kind in MaskKind}
    assert kept == {"row": 33, "column": 1024, "convolution": 5 * 32 + 5 + 1}


@KINDS
def test_streams_that_fill_a_batch_change_nothing(kind: MaskKind) -> None:
    pattern, qkv = Pattern(kind, 3, 3, 3), random_qkv(12)
    alone, _ = attend_stepwise(pattern, qkv)
    cache = LayerCache(pattern)
    cache.attend(qkv[:, :3])
    filled = torch.cat([qkv, torch.full_like(qkv, torch.nan)])
    for position in range(3, 12):
        mixed = cache.attend(filled[:, position : position + 1])
        assert torch.equal(mixed[:2, 0], alone[:, position])
        assert mixed[2:].eq(0).all()


def test_one_caption_is_in_memory_once() -> None:
    pattern, texts = Pattern(MaskKind.ROW, 3, 3, 3), random_qkv(3)
    read = []
    for text in texts.split(1):
        cache = LayerCache(pattern)
        cache.attend(text)
        read.append(cache)
    one = spread_captions(read[:1], torch.tensor([0, 0, 0]))
    assert one.num_bytes() == read[0].num_bytes() == 3 * 2 * 2 * 8 * 4
    both = spread_captions(read, torch.tensor([1, 0, 1]))
    assert both.text is not None
    assert read[1].text is not None
    assert torch.equal(both.text[0][2], read[1].text[0][0])

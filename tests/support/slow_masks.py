"""Which image token sees which, position by position, as the text of Ramesh et al. 2021 says it."""

from dalle_model.prior.masks import MaskKind


def sees(kind: MaskKind, query: int, key: int, grid: int, kernel: int) -> bool:
    """Whether the image token at raster position `query` attends to the one at `key`."""
    if key > query:
        return False
    if kind is MaskKind.ROW:  # the previous grid + 1 tokens, itself counted
        return query - key < grid + 1
    if kind is MaskKind.COLUMN:
        return query % grid == key % grid
    reach = kernel // 2
    return any(  # the window laid on a line of tokens, so that it wraps at the image's edges
        key == query + down * grid + right
        for down in range(-reach, 1)
        for right in range(-reach, reach + 1)
    )

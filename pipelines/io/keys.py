"""Keys from content: the same pair has the same key on every machine, in every order."""

from hashlib import blake2b

from dalle_model.shards import IMAGE_DIGITS


def pair_key(url: str, raw_caption: str) -> str:
    """Key of a pair: 96 bits of the canonical image URL, then 64 bits of the raw caption.

    Returns:
        40 hex characters; the first 24 name the image.
    """
    return image_part(url.encode()) + _digest(raw_caption.encode("utf-8", "surrogatepass"), 8)


def local_pair_key(encoded: bytes, raw_caption: str) -> str:
    """Key of a pair whose image came as bytes: the image's part is a hash of the bytes."""
    return image_part(encoded) + _digest(raw_caption.encode("utf-8", "surrogatepass"), 8)


def image_part(content: bytes) -> str:
    """The 24 hex digits that name an image; `dalle_model.shards.image_of` finds them in a key."""
    return _digest(content, IMAGE_DIGITS // 2)


def shard_of(key: str, num_shards: int) -> int:
    """The shard of a key: its first eight bytes modulo the number of shards."""
    return int(key[:16], 16) % num_shards


def _digest(content: bytes, size: int) -> str:
    return blake2b(content, digest_size=size).hexdigest()

"""Numbers of bytes for people."""

_SIZES = (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))


def size_text(num_bytes: float) -> str:
    """A number of bytes in decimal units, as `1.2 GB`."""
    for unit, size in _SIZES:
        if num_bytes >= size:
            return f"{num_bytes / size:,.1f} {unit}"
    return f"{num_bytes:.0f} B"

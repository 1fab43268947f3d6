"""Bodies with the codings of HTTP."""

import tempfile
import zlib
from pathlib import Path
from typing import Any

from fastwarc.stream_io import BrotliWriter, ZstdWriter


def chunked(body: bytes, size: int = 50) -> bytes:
    """In chunks of a size."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def raw_deflate(body: bytes) -> bytes:
    """Deflated without a header, as some servers send."""
    encoder = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return encoder.compress(body) + encoder.flush()


def brotli(body: bytes) -> bytes:
    """Packed by Brotli."""
    return _written_by(BrotliWriter, body)


def zstd(body: bytes) -> bytes:
    """Packed by Zstandard."""
    return _written_by(ZstdWriter, body)


def _written_by(kind: Any, body: bytes) -> bytes:
    with tempfile.NamedTemporaryFile() as file:
        writer = kind(file.name)
        writer.write(body)
        writer.close()
        return Path(file.name).read_bytes()

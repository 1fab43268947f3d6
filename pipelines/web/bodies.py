"""Response bodies under a byte cap that holds on the wire and after decompression alike."""

import zlib
from collections.abc import Iterable, Iterator

from pipelines.web.failures import FetchError, Reason

ACCEPT_ENCODING = "gzip, deflate"
_PIECE = 65536  # bytes decompressed at a time, so that a bomb passes the cap by no more than this


def read_body(chunks: Iterable[bytes], encoding: str, cap: int, keeps_head: bool = False) -> bytes:
    """Collect and decode a body.

    Args:
        chunks: as they come from the wire; not read further than needed.
        encoding: the Content-Encoding, in lower case; empty for none.
        cap: bytes, of the wire and of the result.
        keeps_head: give the first `cap` bytes of a longer body instead of refusing it.

    Raises:
        FetchError: `too_large`, `unknown_encoding` or `broken_response`.
    """
    body = bytearray()
    wire = _counted(chunks, cap, keeps_head)
    for piece in _decoded(wire, encoding):
        body += piece
        if len(body) > cap:
            if keeps_head:
                break
            raise FetchError(Reason.TOO_LARGE, "the body passes the cap", threshold=cap)
    return bytes(body[:cap])


def _counted(chunks: Iterable[bytes], cap: int, keeps_head: bool) -> Iterator[bytes]:
    """Bound the wire too: a compressed stream may go on for ever and mean nothing."""
    total = 0
    for chunk in chunks:
        yield chunk
        total += len(chunk)
        if total > cap:
            if keeps_head:
                return
            raise FetchError(Reason.TOO_LARGE, "the body passes the cap", threshold=cap)


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    if encoding in {"", "identity"}:
        return chunks
    if encoding in {"gzip", "x-gzip"}:
        return _inflated(chunks, 16 + zlib.MAX_WBITS)
    if encoding == "deflate":
        return _deflated(chunks)
    raise FetchError(Reason.UNKNOWN_ENCODING, f"Content-Encoding {encoding!r} was not asked for")


def _deflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Zlib as the standard says, or raw as some servers send. Source: RFC 9110, 8.4.1.2."""
    first = next((chunk for chunk in chunks if chunk), b"")
    is_zlib = first[:1] and first[0] & 0x0F == zlib.DEFLATED

    def rejoined() -> Iterator[bytes]:
        yield first
        yield from chunks

    return _inflated(rejoined(), zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _inflated(chunks: Iterator[bytes], window_bits: int) -> Iterator[bytes]:
    decoder = zlib.decompressobj(window_bits)
    for chunk in chunks:
        rest = chunk
        while rest:
            if decoder.eof:  # another member of the same body
                decoder = zlib.decompressobj(window_bits)
            try:
                yield decoder.decompress(rest, _PIECE)
            except zlib.error as error:
                raise FetchError(Reason.BROKEN_RESPONSE, "the body does not decompress") from error
            rest = decoder.unused_data or decoder.unconsumed_tail
    yield decoder.flush(_PIECE)
    if not decoder.eof:
        raise FetchError(Reason.BROKEN_RESPONSE, "the compressed body ends too early")

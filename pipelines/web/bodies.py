"""Response bodies under a byte cap that holds on the wire and after decompression alike."""

from collections.abc import Iterable, Iterator

from pipelines.web.codings import CodingError, content_codings, decoded, is_plain, peek
from pipelines.web.failures import FetchError, Reason
from pipelines.web.media_types import is_text

_ASKED_FOR = ("gzip", "deflate")
ACCEPT_ENCODING = ", ".join(_ASKED_FOR)


def read_body(chunks: Iterable[bytes], encoding: str, cap: int, keeps_head: bool = False) -> bytes:
    """Collect and decode a body.

    Args:
        chunks: as they come from the wire; not read further than needed.
        encoding: the Content-Encoding; empty for none.
        cap: bytes, of the wire and of the result.
        keeps_head: give the first `cap` bytes of a longer body instead of refusing it, as for a
            robots.txt; text is then taken as it is, too, where it lacks the coding.

    Raises:
        FetchError: `too_large`, `unknown_encoding` or `broken_response`.
    """
    body = bytearray()
    wire = _counted(chunks, cap, keeps_head)
    for piece in _decoded(wire, encoding, takes_text=keeps_head):
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


def _decoded(chunks: Iterator[bytes], encoding: str, *, takes_text: bool) -> Iterator[bytes]:
    """The body without the coding that it has; a header alone gives it none.

    Where bytes and header disagree, browsers fail. Here an image or a page is not dropped for that,
    as its first bytes show what it is; of other content nobody could say whether it is debris.
    """
    codings = content_codings(encoding)
    if not codings:
        return chunks
    head, chunks = peek(chunks)
    if not head or is_plain(head):
        return chunks
    if len(codings) > 1 or codings[0] not in _ASKED_FOR:
        raise FetchError(Reason.UNKNOWN_ENCODING, f"{encoding[:100]!r} was not asked for")
    pieces, is_coded = decoded(chunks, codings[0])
    if not is_coded and not (takes_text and is_text(head)):
        detail = f"the header says {codings[0]}, the body is not"
        raise FetchError(Reason.BROKEN_RESPONSE, detail)
    return _checked(pieces)


def _checked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except CodingError as error:
        raise FetchError(Reason.BROKEN_RESPONSE, str(error)) from error

"""The JSON of a WAT record, decoded only as far as images need it."""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar, Union

import msgspec
from msgspec import Raw, Struct, field

T = TypeVar("T")


class BadMetadataError(ValueError):
    """The content of a record is not the metadata of a page."""


# Links of a page, distinguished by `path`, which names an element and an attribute. A link without
# fields costs next to nothing, and most links are neither images nor licences.


class ImageTag(Struct, tag_field="path", tag="IMG@/src", gc=False):
    """An `<img>`."""

    url: str = ""
    alt: str = ""
    title: str = ""


class _Anchor(Struct, tag_field="path", tag="A@/href", gc=False):
    url: str = ""
    rel: str = ""


_OTHERS = (
    *("IMG@/longdesc", "AREA@/href", "FORM@/action", "IFRAME@/src", "STYLE/#text", "SOURCE@/src"),
    *("INPUT@/src", "INPUT@/formaction", "INPUT@/onclick", "BUTTON@/formaction", "DIV@/onclick"),
    *("VIDEO@/src", "VIDEO@/poster", "AUDIO@/src", "EMBED@/src", "OBJECT@/data", "TRACK@/src"),
    *("BLOCKQUOTE@/cite", "BODY@/background", "TABLE@/background", "TD@/background"),
)
_KNOWN = frozenset({"IMG@/src", "A@/href", *_OTHERS})
_LINK_TYPES: Any = Union[
    (
        ImageTag,
        _Anchor,
        *(
            msgspec.defstruct(f"_Link{number}", (), tag_field="path", tag=path, gc=False)
            for number, path in enumerate(_OTHERS)
        ),
    )
]


class MetaTag(Struct, gc=False):
    """A `<meta>`."""

    name: str = ""
    property: str = ""
    http_equiv: str = field(default="", name="http-equiv")
    content: str = ""


class _HeadLink(Struct, gc=False):
    url: str = ""
    rel: str = ""


class _Head(Struct, rename="pascal"):
    base: str = ""
    metas: list[MetaTag] = []
    link: list[_HeadLink] = []


class _Message(Struct, rename="pascal"):
    status: str | int = "200"


class _Html(Struct, Generic[T], rename="pascal"):
    head: _Head = field(default_factory=_Head)
    links: list[T] = []


class _Response(Struct, Generic[T]):
    html: _Html[T] | None = field(default=None, name="HTML-Metadata")
    headers: dict[str, str | list[str]] = field(default_factory=dict, name="Headers")
    message: _Message = field(default_factory=_Message, name="Response-Message")


class _Payload(Struct, Generic[T]):
    response: _Response[T] | None = field(default=None, name="HTTP-Response-Metadata")


class _Envelope(Struct, Generic[T]):
    payload: _Payload[T] = field(name="Payload-Metadata")


class _Record(Struct, Generic[T]):
    envelope: _Envelope[T] = field(name="Envelope")


class _Path(Struct):
    path: str


class Metadata(NamedTuple):
    """What a record says of a page.

    Args:
        status: of HTTP.
        headers: names in lower case; a repeated header has as many values.
        base: `href` of `<base>`; empty where there is none.
        metas: in the order of the page.
        image_tags: every `<img>` with a `src`, in the order of the page.
        license_link: the first link with `rel=license`, those of the head before all others.
    """

    status: str
    headers: dict[str, list[str]]
    base: str
    metas: list[MetaTag]
    image_tags: list[ImageTag]
    license_link: str


_RECORD = msgspec.json.Decoder(_Record[_LINK_TYPES])
_RECORD_OF_ANY_LINKS = msgspec.json.Decoder(_Record[Raw])
_LINK = msgspec.json.Decoder(_LINK_TYPES)
_PATH = msgspec.json.Decoder(_Path)


def read_metadata(content: bytes) -> Metadata | None:
    """What a record says of an HTML page; None where it is about anything else.

    Raises:
        BadMetadataError: not JSON, nested too deep, or a value of the wrong type.
    """
    try:
        response = _decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMetadataError(str(error)) from error
    if response is None or response.html is None:
        return None
    head = response.html.head
    image_tags, license_link = _sorted(response.html.links)
    from_head = (link.url for link in head.link if _is_license(link.rel))
    return Metadata(
        status=str(response.message.status),
        headers=_folded(response.headers),
        base=head.base,
        metas=head.metas,
        image_tags=image_tags,
        license_link=next(from_head, license_link),
    )


def _decode(content: bytes) -> _Response[Any] | None:
    try:
        return _RECORD.decode(content).envelope.payload.response
    except msgspec.ValidationError:  # usually a path that is not in the list above
        response = _RECORD_OF_ANY_LINKS.decode(content).envelope.payload.response
    if response is not None and response.html is not None:
        response.html.links = [_LINK.decode(raw) for raw in response.html.links if _is_known(raw)]
    return response


def _is_known(raw: Raw) -> bool:
    return _PATH.decode(raw).path in _KNOWN


def _sorted(links: Sequence[Any]) -> tuple[list[ImageTag], str]:
    """The image tags, and the first licence."""
    image_tags = [link for link in links if type(link) is ImageTag]
    anchors = [link for link in links if type(link) is _Anchor and link.rel]
    return image_tags, next((link.url for link in anchors if _is_license(link.rel)), "")


def _is_license(rel: str) -> bool:
    return "license" in rel.lower().split()


def _folded(headers: dict[str, str | list[str]]) -> dict[str, list[str]]:
    return {
        name.lower(): [value] if isinstance(value, str) else value
        for name, value in headers.items()
    }

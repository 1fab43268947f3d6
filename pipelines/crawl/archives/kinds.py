"""What an archive holds beside pages: the kinds by which it is counted.

A record is a page, a rejection, or one of these, so that the books of an archive close.
"""

from enum import StrEnum

from fastwarc.warc import WarcRecord, WarcRecordType

from pipelines.web.media_types import media_type


class Kind(StrEnum):
    """A kind of record that is passed over, in the plural, for a person."""

    WARCINFO = "warcinfo records"
    REQUEST = "request records"
    METADATA = "metadata records"
    REVISIT = "revisit records"
    CONVERSION = "conversion records"
    RESOURCE = "resource records"
    RESPONSE = "response records"
    OTHER_TYPE = "records of other types"
    DNS = "dns responses"
    OTHER_PROTOCOL = "responses of other protocols"
    REDIRECT = "redirects"
    ERROR = "error responses"
    OTHER_STATUS = "responses of other statuses"
    IMAGE = "image responses"
    IMAGE_RESOURCE = "image resources"
    NOT_HTML = "responses that are not HTML"
    NO_IMAGES = "pages without images"
    NOT_OF_A_PAGE = "metadata of anything but pages"
    OTHER_MEMBER = "other members of the zip"


_OF_TYPE = {
    "warcinfo": Kind.WARCINFO,
    "request": Kind.REQUEST,
    "metadata": Kind.METADATA,
    "revisit": Kind.REVISIT,
    "conversion": Kind.CONVERSION,
    "response": Kind.RESPONSE,
    "resource": Kind.RESOURCE,
}
_NAMES = {
    int(getattr(WarcRecordType, name)): name for name in (*_OF_TYPE, "continuation")
}  # looked up at a tenth of the cost of a field


def type_of(record: WarcRecord) -> str:
    """The WARC-Type in lower case; empty where there is none."""
    known = _NAMES.get(int(record.record_type))
    return known or (record.headers.get("WARC-Type") or "").strip().lower()


def kind_of_type(record_type: str) -> Kind:
    """The kind of a record by its type alone."""
    return _OF_TYPE.get(record_type, Kind.OTHER_TYPE)


def kind_of_status(status: int) -> Kind:
    """The kind of a response that is not a success."""
    if 300 <= status < 400:
        return Kind.REDIRECT
    return Kind.ERROR if status >= 400 else Kind.OTHER_STATUS


def kind_of_media(content_type: str | None) -> Kind:
    """The kind of a response that is no page."""
    return Kind.IMAGE if media_type(content_type).startswith("image/") else Kind.NOT_HTML


def kind_of_resource(content_type: str | None) -> Kind:
    """The kind of a resource that is no page."""
    is_image = media_type(content_type).startswith("image/")
    return Kind.IMAGE_RESOURCE if is_image else Kind.RESOURCE

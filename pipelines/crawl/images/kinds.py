"""Which bytes are those of an image, by how its format says that a file begins."""

import struct

HEAD_BYTES = 32  # enough for each format below

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",  # Source: ITU-T T.81, annex B.1.1.3: SOI, and the next marker
    b"\x89PNG\r\n\x1a\n": "PNG",  # Source: W3C PNG, section 5.2
    b"GIF87a": "GIF",  # Source: GIF89a specification, section 17, like the next
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",  # Source: TIFF 6.0, section 2; the next three: its BigTIFF extension
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\xff\x0a": "JPEG XL",  # Source: ISO/IEC 18181-2, clause 9, like the next
    b"\0\0\0\x0cJXL \r\n\x87\n": "JPEG XL",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG 2000",  # Source: ITU-T T.800, annex I.5.1
    b"\xff\x4f\xff\x51": "JPEG 2000",  # Source: ITU-T T.800, annex A
}
# Brands of ISO base media files that are images; those of films are others.
# Source: AV1 Image File Format, section 6; ISO/IEC 23008-12, annex B, and section 10.2
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIC"),
    **dict.fromkeys((b"mif1", b"msf1"), "HEIF"),
}
# Bytes of the header that follows the file header. "BM" alone begins many a text.
# Source: Microsoft, "Bitmap Header Types"; 16 and 64 are those of OS/2
_BMP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}


def image_type(head: bytes) -> str | None:
    """The format of an image by its first bytes, whatever its name; None for any other content.

    Args:
        head: `HEAD_BYTES`, or all that there is.
    """
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":  # Source: RFC 9649, section 2.4
        return "WEBP"
    if head[4:8] == b"ftyp":  # Source: ISO/IEC 14496-12, section 4.3
        return _BRANDS.get(head[8:12])
    if head[:2] == b"BM" and len(head) >= 18:
        return "BMP" if struct.unpack_from("<I", head, 14)[0] in _BMP_HEADERS else None
    return None

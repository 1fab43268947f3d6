"""A JSON document that holds the SHA-256 of its own bytes, so that no flipped bit in it is read.

The checksum is that of the document with zeros in the checksum's place, which is a field at the
top. It is over bytes, not values: a document that was edited by hand is damaged too, unless the
field is taken out of it.
"""

from typing import Any

from dalle_model import files

CHECKSUM = "manifest_sha256"
_ZEROS = "0" * 64


def write_sealed(url: str, document: dict[str, Any]) -> None:
    """Write a document with its checksum, otherwise as `files.write_json` does."""
    unsealed = files.json_bytes(document | {CHECKSUM: _ZEROS})
    files.write_bytes(url, _replaced(unsealed, _ZEROS, files.sha256(unsealed)))


def read_sealed(url: str) -> dict[str, Any]:
    """A document without its checksum; one that has none, as those before had, is read as it is.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is not JSON, no object, or its bytes are not those of the checksum.
    """
    content = files.read_bytes(url)
    values = files.parse_json(url, content)
    if not isinstance(values, dict):
        raise ValueError(f"{url} is no JSON object")
    found = values.pop(CHECKSUM, None)
    if found is None:
        return values
    if not isinstance(found, str) or files.sha256(_replaced(content, found, _ZEROS)) != found:
        raise ValueError(f"{url} is damaged: its bytes are not those of its {CHECKSUM}")
    return values


def _replaced(content: bytes, old: str, new: str) -> bytes:
    """The content with another checksum; a line break is in no JSON string, so it is the field."""
    before, after = (f'\n  "{CHECKSUM}": "{checksum}"' for checksum in (old, new))
    return content.replace(before.encode("utf-8", "backslashreplace"), after.encode(), 1)

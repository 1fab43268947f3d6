"""Text files of words and names, plain or gzipped, bundled or the user's own.

Every function takes the class of its errors, so that a caller's users catch one class.
"""

import gzip
import zlib

from dalle_model import files
from dalle_model.errors import DalleError


def read(url: str, error: type[DalleError]) -> bytes:
    """The bytes of a file.

    Raises:
        error: missing or unreadable.
    """
    try:
        return files.read_bytes(url)
    except OSError as found:
        raise error(f"{url} cannot be read: {found}; check the setting that names it.") from found


def decode(content: bytes, url: str, error: type[DalleError]) -> str:
    """The text of a file.

    Args:
        content: its bytes, gzipped where its name ends in `.gz`.
        url: for its name and for messages.
        error: the class of the errors.

    Raises:
        error: damaged, or not UTF-8; with the line.
    """
    try:
        raw = gzip.decompress(content) if url.endswith(".gz") else content
    except (OSError, EOFError, zlib.error) as found:
        raise error(f"{url}: damaged, not a whole gzip file ({found}); pack it again.") from found
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as found:
        line = raw.count(b"\n", 0, found.start) + 1
        raise error(f"{url}:{line}: is not UTF-8 ({found}); save it as UTF-8.") from found

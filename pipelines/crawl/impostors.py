"""Files that are not what their names say: a pointer, or a page, in place of the content."""

# Source: git-lfs, docs/spec.md, "The Pointer"; the second one was written before its release.
_POINTERS = (
    b"version https://git-lfs.github.com/spec/",
    b"version https://hawser.github.com/spec/",
)
_MARKUP = {b"<!doctype html": "an HTML page", b"<html": "an HTML page", b"<?xml": "an XML document"}
# Kinds of which no file begins with markup. Those of other packages may.
_WITHOUT_MARKUP = frozenset({"table", "tar", "warc", "wat"})

HEAD_BYTES = 64  # as many as show it


def impostor(head: bytes, kind: str = "table") -> str:
    """What a file is in place of its kind, and what to do, in words; empty for all that may be it.

    Args:
        head: its first bytes, `HEAD_BYTES` or more.
        kind: of its reader.
    """
    if head.startswith(_POINTERS):
        return "a Git LFS pointer in place of the file; `git lfs pull` fetches the file itself"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for mark, what in _MARKUP.items():
        if kind in _WITHOUT_MARKUP and start.startswith(mark):
            return f"{what} in place of the file, as after a download that failed; fetch it again"
    return ""

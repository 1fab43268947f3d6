"""Says in a line what a disk or a path is not good for, and what to do about it."""

import errno
import re

_KEPT = "give the same command again: finished shards are kept"
# By the number of the error; `{path}` is the file, or words where the system names none.
_BY_NUMBER = {
    errno.ENOSPC: f"no space left on the device of {{path}}; free some and {_KEPT}",
    errno.EDQUOT: f"the quota of the disk of {{path}} is used up; free some and {_KEPT}",
    errno.EFBIG: (
        f"{{path}} would be larger than its disk or `ulimit -f` allows; raise the limit and {_KEPT}"
    ),
    errno.EROFS: "{path}: the disk is read-only here; choose another --dir",
    errno.EIO: f"{{path}}: the disk reports an input/output error; check it and {_KEPT}",
    errno.EMFILE: f"{{path}}: too many open files; try `ulimit -n 4096`, and {_KEPT}",
    errno.ENFILE: f"{{path}}: too many open files on this machine; close some and {_KEPT}",
    errno.ENAMETOOLONG: "{path}: the name is too long for this disk; choose another --dir",
    errno.EACCES: "{path}: permission denied; choose another --dir or grant access",
    errno.EPERM: "{path}: permission denied; choose another --dir or grant access",
    errno.EEXIST: "{path}: a file is where a folder is needed; choose another --dir",
    errno.ENOTDIR: "{path}: a file is where a folder is needed; choose another --dir",
    errno.EISDIR: "{path}: a folder is where a file is needed; choose another path",
}
# How Python writes an `OSError`, and Beam one in another: all that a worker process sends of it.
_WRITTEN = re.compile(r"(?:\w+: )*\[Errno (?P<number>\d+)\] (?P<text>[^:]*)(?:: '(?P<path>.*)')?")


def describe_disk(error: OSError) -> str:
    """What is wrong; empty where the error is of another kind."""
    path = error.filename
    if error.errno == errno.EISDIR:  # a file was to be renamed into its place
        path = error.filename2 or path
    return _BY_NUMBER.get(error.errno or 0, "").format(path=path or "the run directory")


def describe_written(message: str) -> str:
    """The same, of an error that is there as text alone."""
    match = _WRITTEN.match(message)
    if match is None:
        return ""
    return describe_disk(OSError(int(match["number"]), match["text"], match["path"]))

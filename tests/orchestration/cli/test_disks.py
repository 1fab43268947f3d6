import errno
import os

import pytest

from orchestration.cli.disks import describe_disk, describe_written
from orchestration.cli.failures import describe, exit_code

CASES = {
    errno.ENOSPC: "no space left on the device of /run/x; free some",
    errno.EDQUOT: "the quota of the disk of /run/x is used up; free some",
    errno.EFBIG: "/run/x would be larger than its disk or `ulimit -f` allows",
    errno.EROFS: "/run/x: the disk is read-only here; choose another --dir",
    errno.EIO: "/run/x: the disk reports an input/output error",
    errno.EMFILE: "/run/x: too many open files; try `ulimit -n 4096`",
    errno.ENFILE: "/run/x: too many open files on this machine",
    errno.EACCES: "/run/x: permission denied",
    errno.EPERM: "/run/x: permission denied",
    errno.ENAMETOOLONG: "/run/x: the name is too long",
}


def failed(number: int, path: str | None = "/run/x") -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize("number", CASES)
def test_an_error_of_a_disk_in_one_line_without_a_traceback(number, capsys):
    assert describe_disk(failed(number)).startswith(CASES[number])
    assert exit_code(failed(number), []) == 1
    assert capsys.readouterr().err == f"dalle: {describe_disk(failed(number))}\n"


@pytest.mark.parametrize("number", CASES)
def test_the_same_line_where_a_worker_sent_it_as_text(number, capsys):
    """As Beam sends it, with the step at the end."""
    traceback = (
        f"Traceback (most recent call last):\n  File 'x', line 1, in f\n{{}}: {failed(number)}"
    )
    for kind in ("OSError", "PermissionError", "RuntimeError: OSError"):
        sent = RuntimeError(traceback.format(kind) + " [while running 'FetchShards/Process']\n")
        assert describe(sent) == describe_disk(failed(number))
        assert exit_code(sent, []) == 1
        assert capsys.readouterr().err.count("\n") == 1


def test_an_error_without_a_path_is_that_of_the_run_directory():
    assert "device of the run directory" in describe_disk(failed(errno.ENOSPC, None))
    assert "device of the run directory" in describe_written("[Errno 28] No space left on device")


@pytest.mark.parametrize("text", ["", "broken", "[Errno 111] Connection refused", "[Errno x] y"])
def test_another_error_is_not_that_of_a_disk(text):
    assert describe_written(text) == ""

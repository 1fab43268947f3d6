"""The last error of a worker process, read off the text of its traceback."""

import pytest

from orchestration.cli.remote import last_error
from pipelines.crawl.tables.columns import ColumnError

TEXT = """Pipeline failed: Traceback (most recent call last):
  File "worker.py", line 10, in process
{error} [while running 'Read/Process']
"""


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        ("pipelines.crawl.tables.columns.ColumnError: no column 'x'", ColumnError, "no column 'x'"),
        ("OSError: [Errno 28] No space", None, "[Errno 28] No space"),
        ("os.path.AnyError: of another package", None, "of another package"),
        ("pipelines.none.NoError: gone", None, "gone"),
    ],
)
def test_the_last_error_is_found_with_its_class(error, kind, message):
    found = last_error(TEXT.format(error=error))
    assert found is not None
    assert (found.kind, found.message) == (kind, message)


def test_a_text_without_an_error_has_none():
    assert last_error("all is well") is None

"""`dalle` with a server on this machine in place of the archive that `replay` names.

Usage: python -m tests.support.served_run PORT ARGUMENTS OF dalle
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

from orchestration.__main__ import main
from pipelines.web import replay


def _serve_from(port: int) -> None:
    @contextmanager
    def served(archive_url: str) -> Iterator[SimpleNamespace]:
        del archive_url
        yield SimpleNamespace(port=port)

    replay.replay = served  # type: ignore[assignment]


if __name__ == "__main__":
    _serve_from(int(sys.argv.pop(1)))
    main()

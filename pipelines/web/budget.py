"""The time that a fetch may take."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class Budget:
    """The seconds that a fetch may spend on the wire, all hops together.

    It runs only inside `running`: waiting for a turn or for a robots.txt is free. There is no
    limit for a single read, since that lets a server trickle bytes for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._timeout = asyncio.timeout(None)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Spend the budget while inside.

        Raises:
            TimeoutError: it is spent.
        """
        began = time.monotonic()
        self._timeout = asyncio.timeout(max(self._left, 0.0))
        try:
            async with self._timeout:
                yield
        finally:
            self._left -= time.monotonic() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Spend nothing while inside, though within `running`: this process makes it wait."""
        began, end = time.monotonic(), self._timeout.when()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            waited_s = time.monotonic() - began
            self._left += waited_s
            if end is not None:
                self._timeout.reschedule(end + waited_s)

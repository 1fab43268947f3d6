"""Bodies on their way, bounded in bytes: each by its cap, and all large ones together."""

import asyncio
from collections.abc import AsyncIterable
from contextlib import AsyncExitStack

from pipelines.web.budget import Budget

SMALL_BYTES = 1024 * 1024  # chosen: nearly all images are smaller, and never wait
LARGE_AT_ONCE = 32  # chosen: 640 MiB at the default cap of 20 MiB


class InFlight:
    """Receives bodies for one client.

    Its memory stays below `connections * SMALL_BYTES + LARGE_AT_ONCE * cap`, and a read more of
    each connection.

    Args:
        large_at_once: bodies longer than `SMALL_BYTES` that are received at once; others wait,
            which costs them none of their time.
    """

    def __init__(self, large_at_once: int = LARGE_AT_ONCE) -> None:
        self._large = asyncio.Semaphore(large_at_once)

    async def receive(self, chunks: AsyncIterable[bytes], cap: int, budget: Budget) -> list[bytes]:
        """The chunks of a body, up to the first that passes the cap.

        Args:
            chunks: as they come from the wire; not read further than needed.
            cap: bytes.
            budget: of the fetch, running.
        """
        received: list[bytes] = []
        total, is_large = 0, False
        async with AsyncExitStack() as held:
            async for chunk in chunks:
                received.append(chunk)
                total += len(chunk)
                if total > cap:
                    break
                if total > SMALL_BYTES and not is_large:
                    is_large = True
                    with budget.paused():
                        await held.enter_async_context(self._large)
        return received

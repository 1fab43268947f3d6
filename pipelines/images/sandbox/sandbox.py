"""Decoders for the threads of a worker: the one way in which strangers' bytes are decoded."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dalle_model.errors import DalleError
from pipelines.images.config import ImagesConfig
from pipelines.images.sandbox.control import MODULE, Nursery
from pipelines.images.sandbox.decoder import Decoder
from pipelines.images.sandbox.protocol import Answer

WORK = "pipelines.images.measure:measure"
TRIES = 2  # chosen: a nursery may have been killed once, for want of memory


class SandboxError(DalleError):
    """The process that decodes images cannot be started."""


class Sandbox:
    """Decoders for the threads of a worker, one for each that decodes.

    Args:
        work: what a decoder calls with each image, as `module:function`.
    """

    def __init__(self, work: str = WORK) -> None:
        self._work, self._lock = work, Lock()
        self._nursery: Nursery | None = None
        self._idle: list[Decoder] = []

    def measure(self, encoded: bytes, config: ImagesConfig, compares: bool = False) -> Answer:
        """Decode, hash and scale an image in a process that can do no harm.

        Args:
            encoded: the file as served, untrusted.
            config: of the stage.
            compares: whether an image that is decoded at a scale is decoded in full as well.

        Returns:
            What was measured, or the broken rule; `decoder_crashed`, `decoder_timed_out` and
            `out_of_memory` are among them.

        Raises:
            SandboxError: no such process can be started.
        """
        failure: OSError | None = None
        for _ in range(TRIES):
            try:
                with self._decoder(config) as decoder:
                    return decoder.measure(encoded, compares)
            except OSError as error:
                failure = error
                self.close()
        raise SandboxError(
            f"images are decoded in a child process, and it does not live ({failure}); "
            f"`{sys.executable} -m {MODULE}` starts one by hand, and says what is missing"
        )

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            nursery, self._nursery = self._nursery, None
            idle, self._idle = self._idle, []
        for decoder in idle:
            decoder.let_go()
        if nursery is not None:
            nursery.close()

    @contextmanager
    def _decoder(self, config: ImagesConfig) -> Iterator[Decoder]:
        decoder = self._taken(config) or Decoder(self._started(), config)
        try:
            yield decoder
        except BaseException:
            decoder.let_go()
            raise
        if decoder.is_spent:
            decoder.close()
        else:
            with self._lock:
                self._idle.append(decoder)

    def _taken(self, config: ImagesConfig) -> Decoder | None:
        """An idle decoder of this config; those of another are not needed any more."""
        with self._lock:
            fit = [decoder for decoder in self._idle if decoder.config == config]
            others = [decoder for decoder in self._idle if decoder.config != config]
            self._idle = fit[1:]
        for decoder in others:
            decoder.close()
        return fit[0] if fit else None

    def _started(self) -> Nursery:
        with self._lock:
            if self._nursery is None:
                self._nursery = Nursery(self._work)
            return self._nursery


_shared: dict[int, Sandbox] = {}


def shared_sandbox() -> Sandbox:
    """The sandbox of this process, which ends with it."""
    number = os.getpid()  # a process that was forked has none of its own yet
    if number not in _shared:
        _shared[number] = Sandbox()
        atexit.register(_shared[number].close)
    return _shared[number]

"""The worker's side: strangers' bytes go out to a decoder, pixels or a reason come back.

A crash, a hang or a lack of memory costs the one image that caused it.
"""

import signal
import socket
import time

from pipelines.images.config import ImagesConfig
from pipelines.images.measure import Measured
from pipelines.images.rules import Reason
from pipelines.images.sandbox import protocol
from pipelines.images.sandbox.control import Nursery
from pipelines.images.sandbox.protocol import Answer
from pipelines.rejection import Check

# A decoder that a crafted file has taken over lies of no more images than these. Chosen: to replace
# it takes some milliseconds.
IMAGES_PER_DECODER = 1000
# Behind a larger image the decoder is replaced, since it keeps its memory. Chosen: 64 MB of RGBA.
MAX_KEPT_PIXELS = 16_000_000
BUFFER_BYTES = 1 << 20  # of a socket; chosen: an image either way, so that neither side waits


class Decoder:
    """One decoder process, for one config.

    Args:
        nursery: that forks it.
        config: of the stage.
    """

    def __init__(self, nursery: Nursery, config: ImagesConfig) -> None:
        self.config = config
        self._nursery = nursery
        self._pid, self._line = nursery.fork(config)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            self._line.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        self._images = 0
        self._is_spent = False

    @property
    def is_spent(self) -> bool:
        """Whether another one should decode the next image."""
        return self._is_spent or self._images >= IMAGES_PER_DECODER

    def measure(self, encoded: bytes, compares: bool) -> Answer:
        """What `pipelines.images.measure.measure` makes of a file; spent where it makes nothing."""
        self._images += 1
        deadline = time.monotonic() + self.config.timeout_s
        try:
            for part in protocol.pack_request(encoded, compares):
                self._line.settimeout(_left(deadline))
                self._line.sendall(part)
            answer = protocol.read_answer(lambda size: self._read(size, deadline), self.config)
        except TimeoutError:
            self._is_spent = True
            self._end(at_once=True)
            return _refused(Reason.DECODER_TIMED_OUT, threshold=self.config.timeout_s)
        except (OSError, protocol.ProtocolError) as error:
            self._is_spent = True
            return _refused(Reason.DECODER_CRASHED, self._epitaph(error))
        self._is_spent = _takes_much_memory(answer)
        return answer

    def close(self) -> None:
        """End the process."""
        if self._pid:
            self._end()

    def let_go(self) -> None:
        """Hang up; the process ends by itself."""
        self._line.close()

    def _read(self, size: int, deadline: float) -> bytearray:
        content = bytearray(size)
        view = memoryview(content)
        while view:
            self._line.settimeout(_left(deadline))
            count = self._line.recv_into(view)
            if not count:
                raise protocol.ProtocolError("end of answer")
            view = view[count:]
        return content

    def _end(self, at_once: bool = False) -> int:
        self.let_go()
        pid, self._pid = self._pid, 0
        return self._nursery.end(pid, at_once)

    def _epitaph(self, error: Exception) -> str:
        """How the process ended; where it has not, what was wrong with its answer."""
        code = self._end()
        if code < 0:
            return signal.Signals(-code).name
        return f"exit status {code}" if code else f"no answer: {error}"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _takes_much_memory(answer: Answer) -> bool:
    outcome = answer.outcome
    if isinstance(outcome, Measured):
        return outcome.width * outcome.height > MAX_KEPT_PIXELS
    return outcome.reason == Reason.OUT_OF_MEMORY


def _refused(reason: Reason, detail: str = "", threshold: float | None = None) -> Answer:
    return Answer(Check(str(reason), False, None, threshold, detail))

"""Images of real size from the web to stored shards, against img2dataset.

Photographs of 500 to 1,200 px come from a server process on loopback and are stored at 256 px. Each
turn is a command of its own, and all its processes are counted. A turn with a few images before it
shows what starting costs; the rows give rates without that, and one gives it by itself.
"""

import io
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from multiprocessing import Pool
from pathlib import Path
from typing import Any

from benchmarks.measure import Row, Seconds, race, size, speed
from benchmarks.turns import NUM_SHARDS, SIDE, Cost, Turn, run
from tests.support.photographs import jpeg
from tests.support.raw_server import running

NUM_IMAGES = 2000
NUM_FIRST = 2 * NUM_SHARDS  # images of the turns that show what starting costs
REPEATS = 2
NUM_DECODED = 200  # images of the rows without the web
# Settings of the stage `images`, by what the row says of them; the first is the default.
VARIANTS: dict[str, dict[str, Any]] = {
    "full decode": {},
    "full decode, centre crop": {"crop": "center"},
    "scaled decode, centre crop": {"decode": "scaled", "crop": "center"},
}
PEER = "peer: img2dataset, centre crop, JPEG"


def measure(num_images: int = NUM_IMAGES) -> list[Row]:
    """Images per CPU-second with one process and with two, by variant; then parts of the way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "web").mkdir()
        with Pool() as pool:
            pool.map(_Saved(folder / "web"), range(num_images), chunksize=50)
        names = sorted(path.name for path in (folder / "web").iterdir())
        with running("tests.support.raw_server", folder / "web") as port:
            turn = Turn("", port, names, str(folder / "out"))
            rows = [*_whole_way(turn), *_two_processes(turn), _fetching(turn)]
        encoded = [(folder / "web" / name).read_bytes() for name in names[:NUM_DECODED]]
    return [*rows, *_decoding(encoded), *_storing(encoded)]


class _Saved:
    """Writes the photograph of a seed; picklable."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, seed: int) -> None:
        (self.folder / f"{seed:05d}.jpg").write_bytes(jpeg(seed))


def variants() -> dict[str, dict[str, Any]]:
    """The variants whose settings this version knows."""
    from pipelines.images.config import ImagesConfig

    known = set(ImagesConfig.model_fields)
    for name, settings in VARIANTS.items():
        if not set(settings) <= known:
            print(f"no {name}: no such setting", file=sys.stderr)
    return {name: settings for name, settings in VARIANTS.items() if set(settings) <= known}


def _whole_way(turn: Turn) -> list[Row]:
    chosen = variants()
    turns = {name: replace(turn, contestant="ours", images=chosen[name]) for name in chosen}
    turns[PEER] = replace(turn, contestant="img2dataset")
    costs, starts = _race(turns)
    rows = [
        _row(f"URL to stored image, {name}", PEER, turn, (costs[name], costs[PEER]))
        for name in chosen
    ]
    first = next(iter(chosen))
    start = "Starting, and 8 images"
    return [*rows, speed(start, "starts", PEER, 1, (starts[first], starts[PEER]))]


def _two_processes(turn: Turn) -> list[Row]:
    """The same with two processes of each; ours through Beam."""
    settings = list(variants().items())
    name, images = settings[-1] if len(settings) > 1 else settings[0]
    both = {
        name: replace(turn, contestant="ours", images=images, workers=2)
        for name, images in dict([settings[0], (name, images)]).items()
    }
    costs, _ = _race(both | {PEER: replace(turn, contestant="img2dataset", workers=2)})
    return [
        _row(
            f"URL to stored image in two processes, {name}", PEER, turn, (costs[name], costs[PEER])
        )
        for name in both
    ]


def _fetching(turn: Turn) -> Row:
    floor = "floor: aiohttp alone"
    costs, _ = _race(
        {name: replace(turn, contestant=name) for name in ("ours_fetch", "bare_fetch")}
    )
    return _row("URL to fetched bytes", floor, turn, (costs["ours_fetch"], costs["bare_fetch"]))


def _race(turns: Mapping[str, Turn]) -> tuple[dict[str, Seconds], dict[str, Seconds]]:
    """Medians by name in turns A B A B: of what starting leaves, and of starting."""
    few = {name: replace(turn, names=turn.names[:NUM_FIRST]) for name, turn in turns.items()}
    starts = {name: _median([_checked(turn)]) for name, turn in few.items()}
    found = [{name: _checked(turn) for name, turn in turns.items()} for _ in range(REPEATS)]
    return {
        name: _without(_median([costs[name] for costs in found]), starts[name]) for name in turns
    }, starts


def _checked(turn: Turn) -> Cost:
    """The cost of a turn, which must have stored every image."""
    cost = run(turn)
    if cost.done != len(turn.names):
        raise RuntimeError(f"{turn.contestant}: {cost.done} of {len(turn.names)} images")
    what = f"{turn.contestant} {turn.images or ''} x{turn.workers}, {cost.done} images"
    print(
        f"\n  {what}: {cost.cpu:.1f} CPU-s, {cost.wall:.1f} s", end="", file=sys.stderr, flush=True
    )
    return cost


def _median(costs: Sequence[Cost]) -> Seconds:
    return Seconds(
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.wall for cost in costs),
    )


def _without(whole: Seconds, start: Seconds) -> Seconds:
    return Seconds(max(whole.cpu - start.cpu, 1e-3), max(whole.wall - start.wall, 1e-3))


def _row(name: str, other_is: str, turn: Turn, times: Sequence[Seconds]) -> Row:
    return speed(name, "images", other_is, len(turn.names) - NUM_FIRST, times)


def _decoding(encoded: list[bytes]) -> list[Row]:
    """Without the web: decode, scale, hashes and store, against the peer's resizer."""
    from pipelines.images.config import ImagesConfig

    resizer = _peers_resizer()
    rows = []
    for name, settings in variants().items():
        config = ImagesConfig(side=SIDE, **settings)
        times = race(
            lambda config=config: [_stored(content, config) for content in encoded],  # type: ignore[misc]
            lambda: [resizer(io.BytesIO(content)) for content in encoded],
        )
        what = f"Bytes to stored image, {name}"
        rows.append(speed(what, "images", "peer: img2dataset's resizer", len(encoded), times))
    return rows


def _storing(encoded: list[bytes]) -> list[Row]:
    """What is stored: its size, and what the stage `encode` pays to read it."""
    from dalle_model.pixels import from_stored
    from pipelines.images.config import ImagesConfig

    resizer = _peers_resizer()
    theirs = [resizer(io.BytesIO(content))[0] for content in encoded]
    ours = [_stored(content, ImagesConfig(side=SIDE)) for content in encoded]

    def read(stored: Sequence[bytes]) -> None:
        for content in stored:
            from_stored(content)

    times = race(lambda: read(ours), lambda: read(theirs))
    other, count = "peer: img2dataset's JPEG", len(encoded)
    mean_ours, mean_theirs = (sum(map(len, stored)) / count for stored in (ours, theirs))
    return [
        speed("Stored image to pixels", "images", other, count, times),
        size("Stored image", "bytes/image", other, mean_ours, mean_theirs),
    ]


def _peers_resizer() -> Callable[[io.BytesIO], tuple[bytes, Any]]:
    resizer = import_module("img2dataset.resizer").Resizer
    found: Callable[[io.BytesIO], tuple[bytes, Any]] = resizer(
        SIDE, "center_crop", resize_only_if_bigger=False
    )
    return found


def _stored(encoded: bytes, config: Any) -> bytes:
    """The bytes that the stage `images` stores of an image."""
    from pipelines.images.measure import Measured
    from pipelines.images.sandbox.sandbox import shared_sandbox
    from pipelines.images.shard import columns

    found = shared_sandbox().measure(encoded, config).outcome
    assert isinstance(found, Measured)
    stored: bytes = columns(found, config)["image"]
    return stored

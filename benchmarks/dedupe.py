"""Finding copies among photographs and drawings, against imagededup's perceptual hashes."""

import io
import resource
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.material import pairs
from benchmarks.measure import Row
from dalle_model.pixels import Rgb
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.cuts import Cut
from pipelines.dedupe.keys import Records
from pipelines.dedupe.near import candidates
from pipelines.dedupe.views import VIEW_DTYPE
from pipelines.sameness.alignment import same_picture
from pipelines.sameness.hashes import SKETCH_BYTES, SKETCH_VALUES, THUMBNAIL_BYTES, describe

NUM_IMAGES = 300
SIDE = 256  # pixels at which images are stored
NAME = "Duplicates"
PEER = "imagededup PHash, at most 10 bits (its default)"

Copy = Callable[[Image.Image], Image.Image]


def measure() -> list[Row]:
    """Images per CPU-second, and the shares of copies found and of originals dropped."""
    originals = [
        Image.open(io.BytesIO(pair.encoded)).convert("RGB") for pair in pairs(NUM_IMAGES, SIDE // 4)
    ]
    images = [_stored(image) for image in originals]
    copies = {
        (number, kind): _stored(copy(image))
        for number, image in enumerate(originals)
        for kind, copy in _copies().items()
    }
    names = [(number, "") for number in range(len(images))] + list(copies)
    everything = images + list(copies.values())
    results = []
    for find in (_ours, _theirs):
        wall, cpu = time.perf_counter(), _cpu()
        found = find(everything)
        results.append((found, _cpu() - cpu, time.perf_counter() - wall))
    (mine, my_cpu, my_wall), (its, its_cpu, its_wall) = results
    count = len(everything)
    rows = [
        Row(
            name=NAME,
            unit="images/CPU-s",
            other_is=PEER,
            ours=count / my_cpu,
            other=count / its_cpu,
            ratio=its_cpu / my_cpu,
            wall_ratio=its_wall / my_wall,
            note=f"{len(images)} images, {len(copies)} copies; hashing included",
        )
    ]
    for kind in _copies():
        shares = [_recall(found, names, kind) for found in (mine, its)]
        rows.append(_share(f"{NAME}: {kind} found", shares[0], shares[1]))
    precise = [_precision(found, names) for found in (mine, its)]
    rows.append(_share(f"{NAME}: pairs that are copies", precise[0], precise[1]))
    num_finished = len(images) // 2
    against = [
        _against(found, names, num_finished) for found in (_ours(everything, num_finished), its)
    ]
    rows.append(
        _share(f"{NAME}: copies of a finished run's images found", *(a[0] for a in against))
    )
    rows.append(_share(f"{NAME}: other images dropped for one of these", *(a[1] for a in against)))
    return rows


def _share(name: str, ours: float, other: float) -> Row:
    return Row(name, "%", PEER, ours, other, ours / max(1.0, other))


def _copies() -> dict[str, Copy]:
    return {
        "scaled": lambda image: image.resize((image.width * 7 // 10, image.height * 7 // 10)),
        "JPEG 50": lambda image: _jpeg(image, 50),
        "cropped 5 %": lambda image: _jpeg(
            image.crop((image.width // 20, 0, image.width, image.height)), 85
        ),
        "border 5 %": lambda image: _jpeg(_bordered(image), 85),
        "marked": lambda image: _jpeg(_marked(image), 85),
    }


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _bordered(image: Image.Image) -> Image.Image:
    edge = min(image.size) // 20
    framed = Image.new("RGB", (image.width + 2 * edge, image.height + 2 * edge), "black")
    framed.paste(image, (edge, edge))
    return framed


def _marked(image: Image.Image) -> Image.Image:
    layer = Image.new("RGBA", image.size)
    ImageDraw.Draw(layer).text(
        (image.width // 10, image.height * 2 // 3), "(c) a.test", (128, 128, 128, 120),
        font_size=max(8, image.height // 10),
    )  # fmt: skip
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def _stored(image: Image.Image) -> Rgb:
    scale = min(1, SIDE / min(image.size))
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def _ours(images: list[Rgb], num_finished: int = 0) -> set[tuple[int, int]]:
    """Pairs found, of which the first so many images are those of a finished run."""
    config = DedupeConfig(against=("finished",) if num_finished else ())
    described = [describe(rgb) for rgb in images]
    views = np.concatenate([_views(number, made) for number, made in enumerate(described)])
    views["run"] = (views["high"] >= num_finished) & bool(config.against)
    whole = Cut(len(images))
    found = np.concatenate(
        [
            candidates([part], group, whole, config)
            for group, part in whole.groups(views, config.num_tables)
        ]
    )
    worse = _thumbnails(found["high"], found["view"], described)
    better = _thumbnails(found["better_high"], found["better_view"], described)
    same = found[same_picture(worse, better, config)]
    return {*zip(same["high"].tolist(), same["better_high"].tolist(), strict=True)}


def _views(number: int, made: dict[str, bytes]) -> Records:
    packed = np.frombuffer(made["sketch"], np.uint8).reshape(-1, SKETCH_BYTES)
    views = np.zeros(len(packed), VIEW_DTYPE)
    views["high"], views["pixels"] = number, number
    views["area"], views["view"] = 1, np.arange(len(packed))
    views["values"] = packed[:, :SKETCH_VALUES].view(np.int8)
    views["reach"] = packed[:, SKETCH_VALUES].view(np.int8)
    views["aspect"] = packed[:, SKETCH_VALUES + 1].view(np.int8)
    views["phash"] = packed[:, SKETCH_VALUES + 2 :].copy().view(">u8").ravel()
    return views


def _thumbnails(numbers: Records, views: Records, made: list[dict[str, bytes]]) -> Rgb:
    cells = [
        made[number]["thumbnail"][view * THUMBNAIL_BYTES :][:THUMBNAIL_BYTES]
        for number, view in zip(numbers.tolist(), views.tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(cells), np.uint8).reshape(-1, THUMBNAIL_BYTES)


def _theirs(images: list[Rgb]) -> set[tuple[int, int]]:
    from imagededup.methods import PHash

    method = PHash(verbose=False)
    encodings = {str(n): method.encode_image(image_array=rgb) for n, rgb in enumerate(images)}
    found = method.find_duplicates(
        encoding_map=encodings, max_distance_threshold=10, num_enc_workers=0, num_dist_workers=0
    )
    return {(int(one), int(other)) for one, others in found.items() for other in others}


def _recall(found: set[tuple[int, int]], names: list[tuple[int, str]], kind: str) -> float:
    """Of the copies of a kind, the % that are found as copies of their originals."""
    right = {
        names[max(pair)][0] for pair in found
        if names[max(pair)] == (names[min(pair)][0], kind) and not names[min(pair)][1]
    }  # fmt: skip
    return 100 * len(right) / sum(name[1] == kind for name in names)


def _against(
    found: set[tuple[int, int]], names: list[tuple[int, str]], num_finished: int
) -> tuple[float, float]:
    """Of the copies of a finished run's images the % found; of all others the % dropped for one."""
    dropped = {(max(pair), min(pair)) for pair in found if min(pair) < num_finished <= max(pair)}
    right = {worse for worse, better in dropped if names[worse][0] == better}
    copies = {n for n, name in enumerate(names) if name[1] and name[0] < num_finished}
    others = {*range(num_finished, len(names))} - copies
    wrong = {worse for worse, _ in dropped} & others
    return 100 * len(right) / len(copies), 100 * len(wrong) / len(others)


def _precision(found: set[tuple[int, int]], names: list[tuple[int, str]]) -> float:
    """Of the pairs found, the % that are of one original."""
    return 100 * sum(names[a][0] == names[b][0] for a, b in found) / max(1, len(found))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)

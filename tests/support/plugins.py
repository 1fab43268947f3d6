"""A package of somebody else's that is found as an installed one is: a folder on PYTHONPATH."""

from pathlib import Path

SHARPNESS_STAGE = '''\
"""A filter of images by how much neighbouring pixels differ: one file, and nothing else."""

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from dalle_model.pixels import from_stored
from pipelines.io.parquet import rows_of
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import ShardResult
from pipelines.records import IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.rejection import Check, reject
from pipelines.stage import Job, Reads, Score, ShardWork, Stage, Writes

SCHEMA = SELECTION_SCHEMA.append(pa.field("sharpness", pa.float32()))


class SharpnessConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    min_sharpness: float = 5.0
    max_reject_rate: float = 1.0


def sharpness(image: bytes) -> float:
    return float(np.abs(np.diff(from_stored(image).astype(np.float64), axis=0)).mean())


def process(job: Job, index: int) -> ShardResult:
    kept, rejected, rows_in = [], [], 0
    names, limit = SELECTION_SCHEMA.names, job.config.min_sharpness
    for table in surviving_row_groups(job.task, index, [*names, "image"]):
        rows_in += table.num_rows
        for row in rows_of(table):
            measured = sharpness(row["image"])
            if measured < limit:
                check = Check("blurred", False, measured, limit)
                rejected.append(reject(row, job.task.stage, check))
            else:
                kept.append({name: row[name] for name in names} | {"sharpness": measured})
    return ShardResult(pa.Table.from_pylist(kept, SCHEMA), rejected, rows_in)


STAGE = Stage(
    name="sharpness",
    about="images that are not blurred",
    config=SharpnessConfig,
    reads={IMAGES: Reads(IMAGE_SCHEMA), SELECTION: Reads(SELECTION_SCHEMA, "any")},
    writes=Writes(SELECTION, SCHEMA),
    work=ShardWork(process),
    is_default=False,
    scores=lambda config: [Score("sharpness", "blurred", lowest=config.min_sharpness)],
    checks=lambda task, row, config: (
        [Check("blurred", True, row["sharpness"], config.min_sharpness)]
        if "sharpness" in row
        else []
    ),
)
'''


RULES = '''\
"""A rule on one caption, a rule over all data, and a format of pairs."""

import numpy as np
import pyarrow.compute as pc

from pipelines.captions.corpus.hashes import hash_texts
from pipelines.captions.corpus.items import Items
from pipelines.captions.corpus.rule import CorpusRule
from pipelines.captions.rules.rule import Rule
from pipelines.crawl.candidates import Found
from pipelines.crawl.readers.reader import Reader


def num_commas(batch):
    return np.asarray(pc.count_substring(batch.text, ","), np.float64)


def first_words(captions):
    words = [text.partition(" ")[0] for text in captions.filtered.texts.to_pylist()]
    return Items(hash_texts(words), np.arange(len(words)), lambda item: words[item])


def read(opened, source, config, start, claim):
    if claim(start):
        for line in opened.stream.read().decode().splitlines():
            url, _, caption = line.partition(" ")
            yield Found(url, caption, "table", source=source.name)


COMMAS = Rule("too_many_commas", num_commas)
BEGINNINGS = CorpusRule("rare_beginning", first_words, is_floor=True)
READER = Reader(kind="ndtxt", suffixes=(".ndtxt",), read=read)
'''

COLOURS_CODEC = '''\
"""The mean colour of 8 x 8 pixels as a byte: three bits of red, three of green, two of blue."""

import hashlib
from pathlib import Path

import numpy as np

from dalle import CodecFacts

BITS, EDGE = (3, 3, 2), 8


class Colours:
    def __init__(self, side: str = "64") -> None:
        cells = int(side) // EDGE
        self.facts = CodecFacts(
            name=f"colours{side}",
            sha256=hashlib.sha256(Path(__file__).read_bytes() + side.encode()).hexdigest(),
            image_shape=(int(side), int(side)),
            token_shape=(cells, cells),
            num_codes=256,
            resample="lanczos",
            pixel_range=(0, 255),
        )

    def encode(self, images):
        cells = self.facts.token_shape[0]
        blocks = images.reshape(len(images), cells, EDGE, cells, EDGE, 3)
        red, green, blue = np.moveaxis(blocks.mean((2, 4)).astype(np.uint16), -1, 0)
        return (red >> 5 << 5 | green >> 5 << 2 | blue >> 6).reshape(len(images), -1)

    def decode(self, codes):
        grids = codes.reshape(len(codes), *self.facts.token_shape)
        levels = [grids >> 5, grids >> 2 & 7, grids & 3]
        colours = [(2 * level + 1) << (7 - n) for level, n in zip(levels, BITS)]
        cells = np.stack(colours, -1).astype(np.uint8)
        return cells.repeat(EDGE, 1).repeat(EDGE, 2)
'''

COLOURS = {"dalle.codecs": {"colours": "colours.plugin:Colours"}}
SHARPNESS = {"dalle.stages": {"sharpness": "sharpness.plugin:STAGE"}}
PAIRS = {
    "dalle.rules": {"commas": "pairs.plugin:COMMAS"},
    "dalle.corpus_rules": {"beginnings": "pairs.plugin:BEGINNINGS"},
    "dalle.readers": {"ndtxt": "pairs.plugin:READER"},
}


def write_plugin(folder: Path, name: str, source: str, groups: dict[str, dict[str, str]]) -> Path:
    """A package `name` with one module `plugin`, and what pip would write of it; its folder.

    Args:
        folder: for PYTHONPATH.
        name: of the package.
        source: of the module.
        groups: entry points by group and name.
    """
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    (folder / name / "plugin.py").write_text(source)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{point} = {value}" for point, value in points.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder

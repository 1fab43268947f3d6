"""Finished runs whose images stay, and against which those of a run are deduplicated.

Of such a run no pixels are read: some columns of its images stage's shards, and the keys of its
rejections. So the rows of every other stage may have been freed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.errors import UsageError
from pipelines.dedupe.config import DedupeConfig
from pipelines.dedupe.views import COLUMNS, THUMBNAIL
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, missing_files, read_manifest
from pipelines.io.manifest_groups import content_digest, digest_of
from pipelines.io.parquet import read_row_groups, read_schema, read_table
from pipelines.records import IMAGE_CROP, IMAGE_RESAMPLE, IMAGE_SCHEMA, IMAGE_SIDE, IMAGES

# What decides the hashes, as a run states it of itself and as it stands in its images' manifest.
_DECIDING = {IMAGE_SIDE: "side", IMAGE_RESAMPLE: "resize", IMAGE_CROP: "crop"}


class FinishedRunError(UsageError):
    """A run of `dedupe.against` cannot be used: which, why, and what to do."""


@dataclass(frozen=True)
class FinishedRun:
    """The images that a finished run kept.

    Args:
        url: of its directory.
        images: the folder of its images; that of the role, as runs name it.
        filters: folders of the stages that have dropped some of these images.
    """

    url: str
    images: StageFolder
    filters: tuple[StageFolder, ...]

    @property
    def num_shards(self) -> int:
        """Of that run, which may be another number than that of the new one."""
        return self.images.num_shards

    def surviving(self, index: int, columns: list[str]) -> pa.Table:
        """Some columns of the rows of a shard that no stage has dropped, in key order.

        Only these columns are fetched. Raises `UnreadableShardError` where a shard is gone.
        """
        groups = read_row_groups(self.images.part(index), columns)
        table = pa.concat_tables([IMAGE_SCHEMA.empty_table().select(columns), *groups])
        for folder in self.filters:
            dropped = read_table(folder.rejected(index), ["key"])["key"]
            table = table.filter(pc.invert(pc.is_in(table["key"], dropped.combine_chunks())))
        return table


def open_run(url: str) -> FinishedRun:
    """A finished run, by its directory.

    Raises:
        FinishedRunError: there is none, or a stage of it is unfinished, damaged or out of date.
    """
    manifests = _manifests(url)
    folder = RunFolder(url, manifests[IMAGES].num_shards)
    filters = tuple(folder.stage(name) for name in manifests if name != IMAGES)
    return FinishedRun(url, folder.stage(IMAGES), filters)


def open_all(config: DedupeConfig, root: str) -> tuple[FinishedRun, ...]:
    """The runs of a config, of which all that is read is there.

    Args:
        config: of the stage.
        root: URL of the run itself, which cannot be one of them.

    Raises:
        FinishedRunError: one cannot be used.
    """
    if root in {url.rstrip("/") for url in config.against}:
        raise FinishedRunError(f"dedupe.against: {root} is the run itself; leave it out")
    return tuple(_readable(url) for url in config.against)


def _readable(url: str) -> FinishedRun:
    found, manifest = open_run(url), _manifests(url)[IMAGES]
    if gone := missing_files(found.images, manifest):
        raise FinishedRunError(
            f"dedupe.against: {url}: {gone[0]} is missing or has another size; the columns "
            f"{', '.join((*COLUMNS, THUMBNAIL))} of its images are needed: "
            f"`dalle run {IMAGES} --dir {url}` brings rows back that were freed"
        )
    known = read_schema(found.images.part(0)).names
    if lacking := [name for name in (*COLUMNS, THUMBNAIL) if name not in known]:
        raise FinishedRunError(
            f"dedupe.against: {url}: its images have no {', '.join(lacking)}; "
            f"`dalle run {IMAGES} --dir {url}` with this version makes them again"
        )
    return found


def digests(config: DedupeConfig) -> dict[str, str]:
    """By run, what names the images that it kept: its images, and what was dropped of them."""
    found = {}
    for name, url in config.finished_runs.items():
        manifests = _manifests(url)
        dropped = [content_digest(m.rejected_files) for m in manifests.values()]
        found[f"against.{name}"] = digest_of([manifests[IMAGES].digest, *dropped])
    return found


def misfit(config: DedupeConfig, facts: Mapping[str, object]) -> str:
    """Why the hashes of a finished run cannot be compared with those here; empty where they can."""
    for url in config.against:
        theirs = _manifests(url)[IMAGES].config
        for fact, setting in _DECIDING.items():
            if fact in facts and theirs.get(setting) != facts[fact]:
                return (
                    f"against: the images of {url} were made with `images.{setting}: "
                    f"{theirs.get(setting)}`, those of this run with `{facts[fact]}`, so that "
                    "their hashes cannot be compared; set the same, or leave that run out"
                )
    return ""


def _manifests(url: str) -> dict[str, Manifest]:
    """Of the images of a run, and of each stage that has dropped some of them, sorted by name."""
    manifest = read_manifest(RunFolder(url).stage(IMAGES))
    if manifest is None:
        raise FinishedRunError(
            f"dedupe.against: {url}: its stage {IMAGES} is not finished, or no run is there; "
            f"correct the path, or finish it with `dalle run --dir {url}`"
        )
    return {IMAGES: manifest, **dict(_readers(url, manifest))}


def _readers(url: str, images: Manifest) -> Iterator[tuple[str, Manifest]]:
    run = RunFolder(url)
    for name in run.stage_names():
        found = None if name in run.own_names else read_manifest(run.stage(name))
        if found is None and name not in run.own_names:
            raise FinishedRunError(
                f"dedupe.against: {url}: its stage {name} is not finished, or its manifest is "
                f"damaged; `dalle run --dir {url}` finishes it"
            )
        if found is None or not found.rejected or IMAGES not in found.inputs:
            continue
        if found.inputs[IMAGES] != images.digest:
            raise FinishedRunError(
                f"dedupe.against: {url}: its stage {name} was made of other images than are there; "
                f"`dalle run --dir {url}` makes it again, or remove {run.stage(name).url}"
            )
        yield name, found

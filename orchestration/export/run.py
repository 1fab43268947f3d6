"""Writes the images of a run that survived, with their captions, in a layout of img2dataset.

An export is made of a finished run and is no part of it, as a report is: it reads the run by the
roles of its stages, so it stands beside `report`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import attrgetter

import pyarrow as pa

from dalle_model import files
from dalle_model.errors import DalleError
from orchestration.engine.config import ConfigError, load_run_config
from orchestration.engine.graph import Graph
from orchestration.engine.progress import Progress
from orchestration.export import writers
from orchestration.export.layouts import RESERVED, ROW_GROUP_ROWS, log_schema
from orchestration.export.links import COLUMNS, linked, links_of, url_of, write_links
from orchestration.export.samples import (
    IMAGE_COLUMN,
    PILLOW_NAMES,
    Batch,
    batches,
    format_of,
    samples_of,
)
from pipelines.io.carried import Type
from pipelines.io.carried_columns import COLUMN, with_carried
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.selections import selected_row_groups
from pipelines.io.suggest import did_you_mean
from pipelines.records import CARRIED, IMAGES, SELECTION

LINKS = "img2dataset"
LAYOUTS = (LINKS, *writers.SHARDS)
_IDENTITY = ".dalle-export"  # hidden: who reads the export passes it over
_VERSION = 2  # raise it when the bytes of an export change
_READ = (
    *("key", "url", "caption", "page_url", "license", "source", "name"),
    *("width", "height", "sha256"),
)


class ExportError(DalleError):
    """A run cannot be exported: why, and the command that mends it."""


@dataclass(frozen=True)
class ExportResult:
    """A run that has been exported.

    Args:
        out: URL of the folder.
        layout: of its files.
        num_samples: images with a caption, or links to such.
        num_shards: of the export.
        left_out: rows that links cannot name, as their image has no address on the web.
    """

    out: str
    layout: str
    num_samples: int
    num_shards: int
    left_out: int = 0


@dataclass(frozen=True)
class Form:
    """What an export is to look like.

    Args:
        layout: one of `LAYOUTS`.
        image_format: `png`, `jpg` or `webp`; empty leaves images as they are stored.
        samples_per_shard: the last shard may have fewer.
    """

    layout: str
    image_format: str
    samples_per_shard: int


@dataclass(frozen=True)
class Survivors:
    """What a run has of images that survived.

    Args:
        images: the folder of image shards.
        selections: those of the stages that filter them, in order.
        digests: of the manifests of these stages, by name.
        carried: types of the values that sources carry, by name.
    """

    images: StageFolder
    selections: list[StageFolder]
    digests: dict[str, str]
    carried: Mapping[str, Type] = field(default_factory=dict)

    def tables(self, index: int, columns: Iterable[str]) -> Iterator[pa.Table]:
        """Some columns of the images of a shard, what selections add, and carried values.

        Of one row group after the other.
        """
        wanted = [*columns, COLUMN] if self.carried else list(columns)
        rows = selected_row_groups(self.images, self.selections, index, wanted)
        for table in with_carried(rows, self.carried, Counter()):
            yield table.drop_columns([COLUMN]) if self.carried else table


def export_run(root: str, out: str, form: Form, progress: Progress) -> ExportResult:
    """Export a run; what an earlier call for the same export has finished stays.

    Raises:
        ConfigError: the form is none, or the folder holds something else.
        ExportError: a stage is not finished, or no image survived.
        NoRunError: no such run.
    """
    _check_form(form)
    survivors = survivors_of(root)
    _claim(out, survivors, form)
    columns = [*COLUMNS, "key"] if form.layout == LINKS else [*_READ, IMAGE_COLUMN]
    tables = _followed(survivors, columns, progress)
    result = (
        _export_links(out, tables, form) if form.layout == LINKS else _export(out, tables, form)
    )
    if not result.num_samples:
        raise ExportError(
            f"no image of {root} can be exported as {form.layout}; `dalle report` shows why"
        )
    return result


def survivors_of(root: str) -> Survivors:
    """The finished stages of a run from which an export is made.

    Raises:
        ExportError: one of them is not finished.
        NoRunError: no such run.
    """
    config = load_run_config(root)
    graph, run = Graph.of(config), RunFolder(root, config.num_shards)
    stages = [*graph.writers(IMAGES), *graph.writers(SELECTION)]
    digests = {}
    for stage in stages:
        manifest = read_manifest(run.stage(stage.name))
        if manifest is None or manifest.num_shards != config.num_shards:
            raise ExportError(
                f"{root} cannot be exported: {stage.name} is not finished; run "
                f"`dalle run {stage.name}`"
            )
        digests[stage.name] = manifest.digest
    images, *selections = (run.stage(stage.name) for stage in stages)
    carried = graph.facts(stages[0]).get(CARRIED, {})
    return Survivors(images, selections, digests, carried)


def _check_form(form: Form) -> None:
    _check_known("layout", form.layout, LAYOUTS)
    if form.image_format:
        _check_known("format", form.image_format, PILLOW_NAMES)
        if form.layout == LINKS:
            raise ConfigError("--format is for images, and the layout img2dataset holds links")
    if form.samples_per_shard < 1:
        raise ConfigError(f"a shard needs a sample or more, not {form.samples_per_shard}")


def _check_known(what: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        near = did_you_mean(name, known)
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(sorted(known))}"
        raise ConfigError(f"no {what} {name!r} to export; {hint}")


def _claim(out: str, survivors: Survivors, form: Form) -> None:
    """Say in a folder which export it holds, unless it says so, or holds something else."""
    if files.exists(out) and not files.is_folder(out) and files.is_local(out):
        raise ConfigError(f"{out}: a file is where a folder is needed; name another with --out")
    identity = {
        "version": _VERSION,
        "layout": form.layout,
        "format": form.image_format,
        "samples_per_shard": form.samples_per_shard,
        "inputs": survivors.digests,
        "carried": dict(survivors.carried),
    }
    url = files.join(out, _IDENTITY)
    names = [name for name in files.list_names(out) if not name.startswith(files.TEMPORARY_PREFIX)]
    if _IDENTITY in names:
        if files.read_json(url) != identity:
            raise ConfigError(
                f"{out} holds the export of another run or in another form; name another folder "
                "with --out, or delete this one"
            )
    elif names:
        raise ConfigError(
            f"{out} is not empty, and no export: it holds {files.printable(names[0])}; name "
            "another folder with --out"
        )
    else:
        files.write_json(url, identity)
    files.sweep_temporary(out)


def _followed(survivors: Survivors, columns: list[str], progress: Progress) -> Iterator[pa.Table]:
    num_shards = survivors.images.num_shards
    for index in range(num_shards):
        yield from survivors.tables(index, columns)
        progress.step(index + 1, num_shards)


def _export(out: str, tables: Iterator[pa.Table], form: Form) -> ExportResult:
    count = num_shards = 0
    for shard, group in _by_shard(tables, form, ROW_GROUP_ROWS):
        if writers.is_whole(out, shard):
            written = sum(batch.rows.num_rows for batch in group)
        else:
            written = _write_shard(out, shard, group, form)
        count, num_shards = count + written, num_shards + 1
    return ExportResult(out, form.layout, count, num_shards)


def _write_shard(out: str, shard: int, group: Iterator[Batch], form: Form) -> int:
    first = next(group)
    schema = log_schema(_added(first.rows.schema, [*_READ, IMAGE_COLUMN]))
    names, image_format = schema.names, form.image_format
    if form.layout == "parquet":  # one column for all images
        image_format = image_format or format_of(first.rows[IMAGE_COLUMN][0].as_py())
        schema = schema.append(pa.field(image_format, pa.binary()))
    rest, count = chain([first], group), 0
    del first  # a batch holds on to the table that it was cut from
    with writers.SHARDS[form.layout](out, shard, schema) as write:
        for batch in rest:
            write(samples_of(batch, names, form.samples_per_shard, image_format))
            count += batch.rows.num_rows
    writers.finish(out, shard, count)
    return count


def _export_links(out: str, tables: Iterator[pa.Table], form: Form) -> ExportResult:
    left_out = 0

    def with_links() -> Iterator[pa.Table]:
        nonlocal left_out
        for table in tables:
            kept = linked(table)
            left_out += table.num_rows - kept.num_rows
            yield links_of(kept, _added(table.schema, [*COLUMNS, "key"]))

    count = num_shards = 0
    for shard, group in _by_shard(with_links(), form, form.samples_per_shard):
        (batch,) = group
        if not files.exists(url_of(out, shard)):
            write_links(out, shard, batch.rows)
        count, num_shards = count + batch.rows.num_rows, num_shards + 1
    return ExportResult(out, form.layout, count, num_shards, left_out)


def _by_shard(
    tables: Iterator[pa.Table], form: Form, most: int
) -> Iterator[tuple[int, Iterator[Batch]]]:
    return groupby(batches(tables, form.samples_per_shard, most), attrgetter("shard"))


def _added(schema: pa.Schema, known: Iterable[str]) -> list[pa.Field]:
    """The columns that selections have added and that sources carry.

    Raises:
        ExportError: img2dataset means something else by the name of one.
    """
    added = [column for column in schema if column.name not in set(known)]
    for column in added:
        if column.name in RESERVED:
            raise ExportError(
                f"a selection has added the column {column.name!r}, or a source carries it, by "
                "which img2dataset means something else; rename it there"
            )
    return added

"""The images stage of a run as what is encoded: a run's tokens, made on another machine."""

from collections.abc import Collection, Mapping, Sequence

from dalle_model.errors import UsageError
from dalle_model.tokenizers.registry import inspect_codec
from pipelines.encode.alone.work import Inputs, OnRows, counted
from pipelines.encode.stage import STAGE
from pipelines.io.carried import Type, unpacked
from pipelines.io.carried_columns import COLUMN
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, missing_files, read_manifest
from pipelines.io.parquet import read_schema, read_table
from pipelines.io.task import BatchedResult
from pipelines.records import (
    CARRIED,
    CODEC_RESAMPLE,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGES,
    SELECTION,
    SELECTION_SCHEMA,
)
from pipelines.stage import Job, ShardWork


class CopiedStageError(UsageError):
    """The folder of a stage that was copied here is not whole: what is missing."""


def is_images_stage(url: str) -> bool:
    """Whether a folder holds shards of the images stage, by the columns of one of them."""
    present = StageFolder(url).present()
    return bool(present) and set(IMAGE_SCHEMA.names) <= set(read_schema(present[0]).names)


def stage_images(
    url: str, selections: Sequence[str], codec: str, carried: Mapping[str, Type]
) -> Inputs:
    """The images of a stage that every selection keeps; the same rows as the run's encode stage.

    Args:
        url: of the folder of the images stage.
        selections: URLs of those of the filters of images, in the order of the run.
        codec: that encodes them.
        carried: types of the values that the sources of the run carry, by name.

    Raises:
        CopiedStageError: a folder lacks its manifest or files, or the images are of another run
            than a selection.
        CodecError: the codec cannot be used.
    """
    images, manifest = _whole(url, IMAGE_SCHEMA.names)
    filters = [_whole(one, SELECTION_SCHEMA.names) for one in selections]
    for folder, chosen in filters:
        if chosen.inputs.get(manifest.stage) != manifest.digest:
            raise CopiedStageError(
                f"{folder.url} is a selection of other images than those in {images.url}; copy "
                "both from one run"
            )
    facts = {
        IMAGE_RESAMPLE: manifest.config.get("resize"),
        CODEC_RESAMPLE: inspect_codec(codec).resample,
    }
    return Inputs(
        num_shards=manifest.num_shards,
        digests={one.stage: one.digest for one in (manifest, *(chosen for _, chosen in filters))},
        process=_process,
        urls={IMAGES: (images.url,), SELECTION: tuple(folder.url for folder, _ in filters)},
        facts=facts | ({CARRIED: dict(sorted(carried.items()))} if carried else {}),
        follows={manifest.stage: manifest.row_work},
    )


def _process(job: Job, index: int, on_rows: OnRows) -> BatchedResult:
    assert isinstance(STAGE.work, ShardWork)
    _refuse_unnamed(job.task.input(IMAGES).part(index), job.facts.get(CARRIED, {}))
    result = STAGE.work.process(job, index)
    assert isinstance(result, BatchedResult)
    return counted(result, on_rows)


def _refuse_unnamed(part: str, carried: Collection[str]) -> None:
    texts = read_table(part, [COLUMN])[COLUMN].unique().to_pylist()
    named = sorted({name for text in texts for name in unpacked(text)} - set(carried))
    if named:
        raise CopiedStageError(
            f"the images in {part} carry {', '.join(map(repr, named))}; name each as in the "
            f"config of the run, with its type: --carry {named[0]}:text"
        )


def _whole(url: str, columns: Sequence[str]) -> tuple[StageFolder, Manifest]:
    """A folder of a stage, all of whose files are there, and its manifest."""
    manifest = read_manifest(StageFolder(url))
    if manifest is None:
        raise CopiedStageError(
            f"{url} has no manifest, so that it is not known to be whole; copy the folder of a "
            "finished stage with all that is in it"
        )
    folder = StageFolder(url, manifest.num_shards)
    gone = [one for one in missing_files(folder, manifest) if one in set(folder.parts())]
    if gone:
        raise CopiedStageError(
            f"{gone[0]} is missing or has another size than its manifest says"
            f"{f', and {len(gone) - 1:,} more' if len(gone) > 1 else ''}; copy the folder again"
        )
    if lacking := sorted(set(columns) - set(read_schema(folder.part(0)).names)):
        raise CopiedStageError(
            f"{folder.part(0)} has no column {lacking[0]!r}; name the folders of the stages "
            "`images` and, for --selection, of filters of images such as `dedupe`"
        )
    return folder, manifest

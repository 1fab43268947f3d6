from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dalle_model import files
from pipelines.encode.alone.shards import encode_shard
from pipelines.encode.alone.stage_images import (
    CopiedStageError,
    is_images_stage,
    stage_images,
)
from pipelines.encode.alone.work import Work, work_of
from pipelines.encode.config import EncodeConfig
from pipelines.io.carried import Type
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_manifest, write_manifest
from pipelines.io.parquet import read_table, to_bytes
from pipelines.io.task import BatchedResult
from pipelines.records import IMAGE_SCHEMA, SELECTION_SCHEMA
from tests.support.image_rows import Row, row

ROWS = [row(number) for number in range(3)]


def write_stage(
    url: str, stage: str, schema: pa.Schema, made_of: Sequence[Row] = ROWS, **identity: Any
) -> Manifest:
    folder = StageFolder(url, 1)
    rows = [{name: one.get(name) for name in schema.names} for one in made_of]
    content = to_bytes(pa.Table.from_pylist(rows, schema))
    files.write_bytes(folder.part(0), content)
    entry = {"name": Path(folder.part(0)).name, "rows": 3, "bytes": len(content)}
    made = {"config": {"resize": "bicubic"}, "inputs": {}, "dependencies": {}} | identity
    entry["sha256"] = files.sha256(content)
    write_manifest(folder, Manifest(stage, "f", **made, num_shards=1, files=[entry]))
    found = read_manifest(folder)
    assert found is not None
    return found


@pytest.fixture
def images(tmp_path) -> str:
    write_stage(f"{tmp_path}/images", "images", IMAGE_SCHEMA)
    return f"{tmp_path}/images"


def test_an_images_stage_is_told_by_its_columns(tmp_path, images):
    assert is_images_stage(images)
    write_stage(f"{tmp_path}/dedupe", "dedupe", SELECTION_SCHEMA)
    assert not is_images_stage(f"{tmp_path}/dedupe")
    assert not is_images_stage(str(tmp_path))


def test_images_scaled_by_another_filter_are_told_as_in_a_run(images, codec_url, tmp_path):
    work = work_of(
        stage_images(images, [], codec_url, {}),
        str(tmp_path / "out"),
        EncodeConfig(codec=codec_url),
    )
    rows: list[int] = []
    result = work.process(work.job, 0, rows.append)
    assert isinstance(result, BatchedResult)
    (warning, *_) = result.batches
    assert "images are scaled by bicubic" in warning.warnings[0]
    assert sum(rows) == len(ROWS)


def test_a_folder_that_is_not_whole_is_refused(images, codec_url):
    folder = StageFolder(images, 1)
    content = files.read_bytes(folder.part(0))
    files.write_bytes(folder.part(0), content[:-1])
    with pytest.raises(CopiedStageError, match="has another size"):
        stage_images(images, [], codec_url, {})
    files.write_bytes(folder.part(0), content)
    files.remove(folder.manifest)
    with pytest.raises(CopiedStageError, match="has no manifest"):
        stage_images(images, [], codec_url, {})


def test_a_selection_is_one_of_these_images(images, codec_url, tmp_path):
    of_images = read_manifest(StageFolder(images))
    assert of_images is not None
    url = f"{tmp_path}/dedupe"
    write_stage(url, "dedupe", SELECTION_SCHEMA, inputs={"images": of_images.digest})
    found = stage_images(images, [url], codec_url, {})
    assert list(found.digests) == ["images", "dedupe"]
    write_stage(url, "dedupe", SELECTION_SCHEMA, inputs={"images": "of others"})
    with pytest.raises(CopiedStageError, match="selection of other images"):
        stage_images(images, [url], codec_url, {})
    with pytest.raises(CopiedStageError, match="no column"):
        stage_images(url, [], codec_url, {})


def test_what_the_sources_carry_is_named_or_refused(tmp_path, codec_url):
    rows = [one | {"carried": '{"score":7}'} for one in ROWS]
    write_stage(f"{tmp_path}/images", "images", IMAGE_SCHEMA, rows)
    found: dict[int, Work] = {}
    given: list[dict[str, Type]] = [{}, {"score": "integer"}]
    for types in given:
        inputs = stage_images(f"{tmp_path}/images", [], codec_url, types)
        work = work_of(inputs, str(tmp_path / "out"), EncodeConfig(codec=codec_url))
        found[len(types)] = work
    with pytest.raises(CopiedStageError, match="--carry score:text"):
        encode_shard(found[0], 0, lambda _: None)
    encode_shard(found[1], 0, lambda _: None)
    assert read_table(found[1].task.part(0))["score"].to_pylist() == [7, 7, 7]
    assert found[0].task.fingerprint != found[1].task.fingerprint
    assert found[0].identity["row_work"] == found[1].identity["row_work"]

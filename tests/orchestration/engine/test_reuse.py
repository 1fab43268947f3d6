"""Rows whose work was done before, in the run itself or in another one, are not done again."""

import hashlib
import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PIL import Image

from dalle_model.pixels import to_png
from dalle_model.shard_schema import SCHEMA_VERSION
from dalle_model.vocab import CaptionTokenizer, train_bpe
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preflight import check_reuse
from orchestration.engine.run import run_stages
from orchestration.engine.verify import verify_run
from pipelines.encode import stage
from tests.orchestration.engine.test_run import Told
from tests.support.archives import gzip_records, http_record
from tests.support.commands import checksums
from tests.support.image_rows import noise

STAGES = ["crawl", "captions", "fetch", "images", "dedupe", "encode"]
THINGS = ["apple", "boat", "castle", "dragon", "engine", "forest", "garden"]


def write_folder(folder: Path, things: list[str], words: str = "a red {} on a table") -> Path:
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*"):
        old.unlink()
    for thing in things:
        Image.fromarray(noise(THINGS.index(thing), 80, 70)).save(folder / f"{thing}.png")
        (folder / f"{thing}.txt").write_text(words.format(thing))
    return folder


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("source") / "folder"


@pytest.fixture(scope="module")
def finished(source, tmp_path_factory) -> Path:
    """The directory of a run of all things, which no test changes."""
    root = tmp_path_factory.mktemp("finished") / "run"
    assert reused(run_of(write_folder(source, THINGS), root)) == {}
    return root


@pytest.fixture
def folder(source) -> Path:
    """All things; tests change it."""
    return write_folder(source, THINGS)


@pytest.fixture
def root(finished, tmp_path) -> Path:
    """The directory of a run of all things, which may be changed."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def run_of(folder: Path, root: Path, **settings: object) -> Run:
    values = {
        "num_shards": 2,
        "crawl": {"sources": [{"path": str(folder)}]},
        "images": {"side": 64, "resize": "lanczos"},
    } | settings
    return Run(check_config(values, str(folder)), str(root), replaces=True)


def reused(run: Run) -> dict[str, str]:
    """What is said of each stage that is made: rows reused of rows in."""
    told, found, stage = Told(), {}, ""
    run_stages(run, STAGES, told)
    for line in told.text.splitlines():
        stage = line.split()[0] if line[:1].strip() else stage
        if match := re.search(r"([\d,]+) of ([\d,]+) rows reused", line):
            found[stage] = f"{match[1]} of {match[2]}"
    return found


def test_one_image_fewer_is_no_work_on_the_others(folder, root, tmp_path):
    write_folder(folder, THINGS[1:])
    run = run_of(folder, root)
    assert reused(run) == {"images": "6 of 6", "encode": "6 of 6"}
    assert reused(run_of(folder, tmp_path / "nothing")) == {}
    assert checksums(root) == checksums(tmp_path / "nothing")
    verify_run(run.root)


def test_another_caption_is_no_work_on_its_image(folder, root, tmp_path):
    write_folder(folder, THINGS, "a blue {} under a tree")
    assert reused(run_of(folder, root)) == {"images": "7 of 7", "encode": "7 of 7"}
    reused(run_of(folder, tmp_path / "nothing"))
    assert checksums(root) == checksums(tmp_path / "nothing")


def test_another_column_to_carry_is_no_work_on_images(folder, tmp_path):
    for thing in THINGS:
        (folder / f"{thing}.json").write_text(f'{{"id": "{thing}"}}')
    crawl = {"sources": [{"path": str(folder), "carry": ["id"]}]}
    reused(run_of(folder, tmp_path / "run"))
    found = reused(run_of(folder, tmp_path / "run", crawl=crawl))
    assert found == {"images": "7 of 7", "encode": "7 of 7"}
    reused(run_of(folder, tmp_path / "nothing", crawl=crawl))
    assert checksums(tmp_path / "run") == checksums(tmp_path / "nothing")


def test_other_ids_of_captions_are_no_work_on_images(folder, tmp_path):
    captions = [f"a red {thing}" for thing in THINGS]
    encode, found = {}, {}
    for size in (280, 300):
        encode = {"text_tokens": f"{tmp_path}/bpe_{size}.json"}
        CaptionTokenizer(train_bpe(captions, size)).save(encode["text_tokens"])
        found = reused(run_of(folder, tmp_path / "run", encode=encode))
    assert found == {"encode": "7 of 7"}
    assert reused(run_of(folder, tmp_path / "nothing", encode=encode)) == {}
    assert checksums(tmp_path / "run") == checksums(tmp_path / "nothing")


def test_a_later_schema_of_shards_is_no_work_on_images(folder, tmp_path, monkeypatch):
    graph = Graph.of(run_of(folder, tmp_path / "run").config)
    inputs = dict.fromkeys((s.name for s in graph.stages), "a digest")

    def named() -> tuple[str, str]:
        return (
            graph.row_work(stage.STAGE, inputs, inputs),
            graph.fingerprint(stage.STAGE, inputs),
        )

    work, fingerprint = named()
    monkeypatch.setattr(stage, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    assert named()[0] == work
    assert named()[1] != fingerprint


def test_other_settings_are_other_work(folder, root, tmp_path):
    images = {"side": 70, "resize": "lanczos"}
    assert reused(run_of(folder, root, images=images)) == {}
    encode = {"batch_size": 4}
    assert reused(run_of(folder, root, images=images, encode=encode)) == {}


def test_another_run_lends_its_rows(finished, tmp_path):
    more = write_folder(tmp_path / "more", ["boat", "garden"])
    run = run_of(more, tmp_path / "second", reuse=[str(finished)])
    assert reused(run) == {"images": "2 of 2", "encode": "2 of 2"}
    reused(run_of(more, tmp_path / "nothing"))
    assert checksums(tmp_path / "second") == checksums(tmp_path / "nothing")


def test_a_damaged_earlier_result_is_made_again(folder, root, tmp_path):
    before = checksums(root)
    for part in (root / "images").glob("part-*"):
        content = bytearray(part.read_bytes())
        content[len(content) // 2] ^= 1
        part.write_bytes(content)
    write_folder(folder, THINGS, "a blue {} under a tree")
    reused(run_of(folder, root))
    write_folder(folder, THINGS)
    reused(run_of(folder, root))
    assert checksums(root) == before


def test_what_is_no_run_and_other_shards_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match=r"reuse: .*none: no stage of this run is finished there"):
        check_reuse(Graph.of(run_of(folder, tmp_path / "run", reuse=["none"]).config))
    run_stages(run_of(folder, tmp_path / "first"), ["crawl"], Told())
    config = run_of(folder, tmp_path / "run", reuse=[str(tmp_path / "first")], num_shards=3).config
    with pytest.raises(ConfigError, match=r"has 2 shards, and this run 3.*`num_shards: 2`"):
        check_reuse(Graph.of(config))


def test_what_a_row_costs_is_named_by_settings_and_models_not_by_other_rows(folder, tmp_path):
    graph = Graph.of(run_of(folder, tmp_path / "run").config)
    stages = {stage.name: stage for stage in graph.stages}
    digest = hashlib.sha256(b"rows").hexdigest()
    inputs = dict.fromkeys(stages, digest)
    works = dict.fromkeys(stages, "the same")
    for name in ("fetch", "images", "encode"):
        assert graph.row_work(stages[name], inputs, works)
    assert graph.row_work(stages["dedupe"], inputs, works) == ""
    encode, others = stages["encode"], inputs | {"images": "other rows", "dedupe": "others"}
    assert graph.row_work(encode, others, works) == graph.row_work(encode, inputs, works)
    of_other_images = graph.row_work(encode, inputs, works | {"images": "another side"})
    assert of_other_images != graph.row_work(encode, inputs, works)


def test_what_another_archive_answers_in_place_of_the_web_is_asked_for(tmp_path):
    (tmp_path / "pairs.tsv").write_text("a red barn\thttp://a.demo.test/1.png\n")
    archive = tmp_path / "web.warc.gz"
    values = {
        "num_shards": 1,
        "crawl": {"sources": [{"path": "pairs.tsv"}]},
        "captions": {"recipe": "none"},
        "fetch": {"per_host_delay_s": 0},
        "replay": {"archive": str(archive), "hosts": ".demo.test"},
    }

    def fetched(root: str, **settings: object) -> bytes:
        config = check_config(values | settings, str(tmp_path))
        run_stages(Run(config, str(tmp_path / root)), STAGES[:3], Told())
        (row,) = pq.read_table(next((tmp_path / root / "fetch").glob("part-*"))).to_pylist()
        return row["encoded"]

    def answer(content: bytes) -> bytes:
        record = http_record("http://a.demo.test/1.png", content, "image/png")
        archive.write_bytes(gzip_records([record])[0])
        return content

    old = answer(to_png(noise(0, 64, 64)))
    assert fetched("run") == old
    new = answer(to_png(noise(1, 64, 80)))
    assert fetched("other", reuse=[str(tmp_path / "run")]) == new
    assert fetched("run") == new

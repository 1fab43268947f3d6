from pathlib import Path
from uuid import uuid4

import pytest

from dalle_model import files
from orchestration.engine.config import ConfigError, config_class
from orchestration.engine.config_file import load_config
from orchestration.engine.graph import Graph

GOOD = "crawl: {sources: [{path: pages.warc.gz}]}\n"


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    return str(path)


def test_relative_paths_count_from_the_config_file(tmp_path):
    text = GOOD + (
        "captions: {recipe: own.yaml}\nencode: {codec: models/dvae.safetensors}\n"
        "replay: {archive: web.warc.gz, hosts: .demo.test}\n"
    )
    config = load_config(written(tmp_path, text))
    assert config.crawl.sources[0].path == str(tmp_path / "pages.warc.gz")
    assert config.captions.recipe == str(tmp_path / "own.yaml")
    assert config.encode.codec == str(tmp_path / "models" / "dvae.safetensors")
    assert config.replay is not None
    assert config.replay.archive == str(tmp_path / "web.warc.gz")


def test_urls_and_names_stay_as_they_are(tmp_path):
    config = load_config(written(tmp_path, "crawl: {sources: [{path: 's3://b/p.warc.gz'}]}\n"))
    assert config.crawl.sources[0].path == "s3://b/p.warc.gz"
    assert (config.captions.recipe, config.encode.codec) == ("dalle", "demo")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (GOOD + "num_shard: 4\n", 2, "num_shard: unknown setting; did you mean `num_shards`?"),
        (GOOD + "fetch:\n  timeout_s: -1\n", 3, "fetch.timeout_s: Input should be greater than 0"),
        (GOOD + "fetch:\n  retires: 1\n", 3, "unknown setting; did you mean `retries`?"),
        (
            "crawl: {sites: [{start: 'http://a.test/',\n  max_deepth: 1}]}\n",
            2,
            "did you mean `max_depth`?",
        ),
        (GOOD + "num_shards: many\n", 2, "num_shards: "),
        (GOOD + "num_shards: true\n", 2, "must be a whole number"),
        (GOOD + "prior:\n  training: {step: 3}\n", 3, "did you mean `steps`?"),
        ("name: x\n", 1, "crawl: is required"),
        ("crawl: {sources: []}\n", 1, "crawl.sources"),
        ("crawl: [\n", 2, "not YAML"),
        ("- a\n", 1, "a config is a mapping"),
        ("", 1, "a config is a mapping"),
        (GOOD + "a: &x {b: 1}\nc: *x\n", 3, "aliases (`*x`) are not allowed"),
        ("crawl: !!python/object/apply:os.system ['true']\n", 1, "not YAML"),
        (GOOD + "name: a\nname: b\n", 3, "`name` appears twice"),
        (GOOD + "name: 2020-13-45\n", 1, "not YAML"),
        (GOOD + "dedupe:\n  max_hamming: 64\n", 3, "max_hamming"),
        (
            GOOD + "selections: [nope]\n",
            2,
            "'nope' must be a stage that filters images",
        ),
        (GOOD + "selections: [dedupe, dedupe]\n", 2, "'dedupe' must be a stage that filters"),
    ],
)
def test_an_error_names_file_line_and_setting(tmp_path, text, line, message):
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}:{line}:")
    assert message in str(caught.value)


def test_all_errors_are_told_at_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(written(tmp_path, GOOD + "one: 1\ntwo: 2\n"))
    assert len(str(caught.value).splitlines()) == 2


def test_a_section_of_comments_is_that_of_its_defaults(tmp_path):
    config = load_config(written(tmp_path, GOOD + "images:\n  # side: 256\ndedupe:\n"))
    assert config == load_config(written(tmp_path, GOOD + "dedupe: {}\n"))
    assert config.dedupe is not None


def test_a_filter_of_images_is_left_out_by_false(tmp_path):
    config = load_config(written(tmp_path, GOOD + "dedupe: false\n"))
    assert "dedupe" not in [stage.name for stage in Graph.of(config).stages]
    kept = config_class().model_validate_json(config.model_dump_json())
    assert "dedupe" not in [stage.name for stage in Graph.of(kept).stages]
    with pytest.raises(ConfigError, match="images"):
        load_config(written(tmp_path, GOOD + "images: false\n"))


def test_a_missing_file_says_how_to_name_one(tmp_path):
    with pytest.raises(ConfigError, match="cannot read the config: No such file"):
        load_config(str(tmp_path / "none.yaml"))


def test_a_huge_file_is_not_read(tmp_path):
    with pytest.raises(ConfigError, match="a config has at most"):
        load_config(written(tmp_path, "#" * 300_000))


def test_bytes_that_are_not_text(tmp_path):
    (tmp_path / "run.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text"):
        load_config(str(tmp_path / "run.yaml"))


def test_what_a_model_section_leaves_out_is_as_ever(tmp_path):
    text = GOOD + "dvae: {training: {seed: 7}}\nprior: {training: {steps: 5}}\n"
    config = load_config(written(tmp_path, text))
    assert config.dvae is not None
    assert config.prior is not None
    assert (config.dvae.training.seed, config.dvae.training.kl_weight) == (7, 6.6)
    assert (config.prior.training.steps, config.prior.training.optimizer) == (5, "muon")
    assert config.prior.pairs.max_images == 320


def test_a_config_in_a_store_counts_its_paths_from_there():
    url = f"memory://{uuid4().hex}"
    files.write_bytes(f"{url}/run.yaml", b"crawl: {sources: [{path: pages.warc.gz}]}\n")
    config = load_config(f"{url}/run.yaml")
    assert config.crawl.sources[0].path == f"{url}/pages.warc.gz"
    with pytest.raises(ConfigError, match=r"none\.yaml: cannot read the config: .*--config FILE"):
        load_config(f"{url}/none.yaml")
    files.remove(url)


def test_the_config_of_the_shipped_codec_trains_it_on_images_alone():
    config = load_config(str(Path(__file__).parents[3] / "demo" / "codec.yaml"))
    graph = Graph.of(config)
    assert [stage.name for stage in graph.writers("codec")] == ["vq"]
    assert (config.crawl.min_caption_chars, config.images.side) == (0, 64)
    stage = graph.stage("vq")
    assert stage is not None
    assert stage.config() == config.section(stage)  # the defaults are what ships

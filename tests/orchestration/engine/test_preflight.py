"""What the config shows to be wrong is found before anything is read or replaced."""

import copy
import re
from dataclasses import replace

import pyarrow as pa
import pytest

from dalle_model.errors import UsageError
from dalle_model.tokenizers.codec import CodecError
from orchestration.engine.answers import answered
from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.preflight import check_politeness, check_settings, chosen_stages
from pipelines.records import SELECTION, SELECTION_SCHEMA
from pipelines.stage import Writes


def config_of(tmp_path, **settings: object) -> RunConfig:
    (tmp_path / "pairs.tsv").write_text("a red apple\thttp://h.example/1.png\n")
    crawl = {"sources": [{"path": "pairs.tsv"}]}
    return check_config({"crawl": crawl} | settings, str(tmp_path))


def check(config: RunConfig, *names: str) -> None:
    graph = Graph.of(config)
    check_settings(graph, chosen_stages(graph.stages, names))


def test_settings_that_fit_are_passed(tmp_path):
    check(config_of(tmp_path, images={"side": 64}, prior={"preset": "demo"}))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crawl": {"sources": [{"path": "none.tsv"}]}}, r"crawl\.sources\[0\]\.path: .*none\.tsv"),
        ({"captions": {"recipe": "lion"}}, "no recipe 'lion'.*laion"),
        ({"encode": {"codec": "dmeo"}}, "dmeo.*did you mean `demo`"),
        ({"encode": {"codec": "pairs.tsv"}}, r"pairs\.tsv is not a dvae, vq or vqgan checkpoint"),
        ({"images": {"side": 32}}, "encode: images are stored at 32 px, below the codec's 64 px"),
        (
            {"images": {"side": 64}, "dvae": {}},
            "dvae: images are stored at 64 px, below the 256 px of dvae.model.side",
        ),
        (
            {"images": {"side": 64}, "vq": {"model": {"image_shape": [128, 128]}}},
            r"vq: images are stored at 64 px, below the 128 px of vq\.model\.image_shape",
        ),
        (
            {"vq": {"model": {"num_codes": 512}}, "prior": {"model": {"image_vocab": 1024}}},
            "prior: image_vocab is 1024 in the config and 512 in the codec",
        ),
        (
            {"prior": {"model": {"grid": 32}}},
            "prior: grid is 32 in the config and 8 in the codec",
        ),
        (
            {"bpe": {"vocab_size": 4096}, "prior": {"model": {"text_vocab": 1024}}},
            "prior: there is room for 1024 text tokens, and the text tokenizer may have 4096",
        ),
        (
            {"encode": {"views": ["centre", "aspect"]}, "prior": {"preset": "demo"}},
            "prior: the view `aspect` of encode.views gives rows token shapes of their own",
        ),
        (
            {"images": {"crop": "center"}, "encode": {"views": ["aspect"]}},
            "encode: of images their centred square is stored.*images.crop to `none`",
        ),
        ({"replay": {"archive": "no.warc", "hosts": ".a.test"}}, r"replay\.archive: .*no\.warc"),
    ],
)
def test_what_cannot_work_is_a_wrong_config(tmp_path, settings, message):
    with pytest.raises(UsageError, match=message):
        check(config_of(tmp_path, **settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"prior": {"model": {"grid": 32}}},
        {"prior": {"model": {"image_vocab": 512}}},
        {"prior": {"model": {"text_vocab": 512}}},
        {"images": {"side": 32}},
        {"images": {"side": 64}, "vq": {"model": {"image_shape": [128, 128]}}},
    ],
)
def test_what_a_message_says_to_set_mends_the_config(tmp_path, settings):
    with pytest.raises(UsageError) as caught:
        check(answered(config_of(tmp_path, **settings)))
    advice = re.findall(r"set ([a-z_]+)\.([a-z_.]+) to (\d+)", str(caught.value))
    assert advice
    for section, name, value in advice:
        group, _, last = name.rpartition(".")
        mended = copy.deepcopy(settings)
        below = mended.setdefault(section, {})
        (below.setdefault(group, {}) if group else below)[last] = int(value)
        check(answered(config_of(tmp_path, **mended)))


@pytest.mark.parametrize("preset", ["demo", "small", "base", "350m", "1.4b", "paper"])
def test_every_size_of_the_prior_goes_with_every_codec(tmp_path, preset):
    codecs: list[dict[str, object]] = [{}, {"vq": {"model": {"num_codes": 512}}}, {"dvae": {}}]
    for codec in codecs:
        config = answered(config_of(tmp_path, prior={"preset": preset}, **codec))
        check(config)
        graph = Graph.of(config)
        (prior,) = chosen_stages(graph.stages, ["prior"])
        model, facts = config.section(prior).model, graph.all_facts()
        assert (model.grid, model.image_vocab) == (facts["grid"], facts["num_codes"])


def test_a_stage_that_is_not_to_run_needs_nothing(tmp_path):
    check(config_of(tmp_path, encode={"codec": "none.safetensors"}), "crawl", "captions")
    with pytest.raises(CodecError, match=r"none\.safetensors"):
        check(config_of(tmp_path, encode={"codec": "none.safetensors"}), "encode")


def test_a_carried_name_that_a_filter_of_images_adds_is_a_wrong_config(tmp_path):
    sources = [{"path": "pairs.tsv", "carry": ["score"]}]
    graph = Graph.of(config_of(tmp_path, crawl={"sources": sources}, images={"side": 64}))
    schema = SELECTION_SCHEMA.append(pa.field("score", pa.float32()))
    stages = tuple(
        replace(stage, writes=Writes(SELECTION, schema)) if stage.name == "dedupe" else stage
        for stage in graph.stages
    )
    with pytest.raises(ConfigError, match="dedupe adds the column 'score', which a source carries"):
        check_settings(Graph(graph.config, stages), stages[-2:])


def test_the_name_of_a_stage_is_bounded_in_its_error(tmp_path):
    graph = Graph.of(config_of(tmp_path))
    with pytest.raises(ConfigError) as caught:
        chosen_stages(graph.stages, ["x" * 10_000])
    assert len(str(caught.value)) < 300


def test_the_web_is_not_asked_by_processes_that_nobody_has_counted(tmp_path):
    run = Run(config_of(tmp_path), "run", knows_workers=False)
    with pytest.raises(ConfigError, match=r"fetch asks the web, .*--workers N$"):
        check_politeness(run, [])
    check_politeness(run, ["crawl", "captions", "images"])  # a table asks nobody
    check_politeness(Run(run.config, "run", workers=100), [])
    sites = config_of(tmp_path).model_dump(mode="json")["crawl"]
    sites |= {"sources": [], "sites": [{"start": "http://site.test/"}]}
    crawling = check_config({"crawl": sites}, str(tmp_path))
    with pytest.raises(ConfigError, match="crawl asks the web"):
        check_politeness(Run(crawling, "run", knows_workers=False), ["crawl"])
    (tmp_path / "web.warc").write_bytes(b"")
    replayed = config_of(tmp_path, replay={"archive": "web.warc", "hosts": ".a.test"})
    check_politeness(Run(replayed, "run", knows_workers=False), [])

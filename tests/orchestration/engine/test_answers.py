"""Settings that are left open are answered by whichever stage of the run states the fact."""

import pytest

from dalle_model.tokenizers.codec import CodecError
from orchestration.engine.answers import answered, check_answered
from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.preflight import check_settings, chosen_stages
from pipelines.stage import Stage
from tests.support.codecs import write_codec


def config_of(tmp_path, **settings: object) -> RunConfig:
    (tmp_path / "pairs.tsv").write_text("a red apple\thttp://h.example/1.png\n")
    crawl = {"sources": [{"path": "pairs.tsv"}]}
    return check_config({"crawl": crawl} | settings, str(tmp_path))


def fingerprint(config: RunConfig) -> str:
    graph = Graph.of(config)
    stage = graph.stage("images")
    assert stage is not None
    return graph.fingerprint(stage, {})


@pytest.mark.parametrize(
    ("settings", "side"),
    [
        ({}, 64),  # of the codec that ships
        ({"dvae": {"model": {"side": 64}}}, 96),
        ({"dvae": {"model": {"side": 64}, "training": {"augment": "shift"}}}, 64),
        ({"dvae": {}}, 384),
        ({"vq": {}}, 64),
        ({"vq": {"model": {"image_shape": [128, 128]}}}, 128),
        ({"images": {"side": 128}}, 128),
        ({"encode": {"views": ["dvae", "flip"]}}, 96),
        ({"encode": {"views": ["prior", "prior"]}}, 72),
    ],
)
def test_the_side_of_images_is_the_codecs_unless_it_is_set(tmp_path, settings, side):
    config = answered(config_of(tmp_path, **settings))
    assert config.images.side == side
    check_settings(Graph.of(config), Graph.of(config).stages)
    named = config_of(tmp_path, **{**settings, "images": {"side": side}})
    assert fingerprint(config) == fingerprint(answered(named))


@pytest.mark.parametrize(
    ("settings", "resample"),
    [
        ({}, "lanczos"),  # of the codec that ships
        ({"images": {"resize": "bicubic"}}, "bicubic"),
        ({"dvae": {}}, "bicubic"),  # it is trained on what there is
    ],
)
def test_images_are_scaled_by_the_codecs_filter_unless_it_is_set(tmp_path, settings, resample):
    config = answered(config_of(tmp_path, **settings))
    assert config.images.resample == resample
    named = config_of(tmp_path, **{**settings, "images": {"resize": resample}})
    assert fingerprint(config) == fingerprint(answered(named))


def prior_of(config: RunConfig) -> Stage:
    stage = Graph.of(config).stage("prior")
    assert stage is not None
    return stage


@pytest.mark.parametrize(
    ("settings", "sizes"),
    [
        ({}, (8, 1024, 1024)),
        ({"bpe": {"vocab_size": 4096}}, (8, 1024, 4096)),
        ({"dvae": {}}, (32, 8192, 1024)),
        ({"prior": {"preset": "small", "model": {"text_vocab": 2048}}}, (8, 1024, 2048)),
    ],
)
def test_the_prior_s_grid_and_vocabularies_are_those_of_codec_and_tokenizer(
    tmp_path, settings, sizes
):
    config = answered(config_of(tmp_path, **{"prior": {"preset": "small"}, **settings}))
    stage = prior_of(config)
    model = config.section(stage).model
    assert (model.grid, model.image_vocab, model.text_vocab) == sizes
    names = ("grid", "image_vocab", "text_vocab")
    explicit = {"preset": "small"} | settings.get("prior", {})
    explicit["model"] = dict(zip(names, sizes, strict=True))
    named = answered(config_of(tmp_path, **{**settings, "prior": explicit}))
    assert Graph.of(config).fingerprint(stage, {}) == Graph.of(named).fingerprint(stage, {})


def test_a_preset_is_no_more_than_the_settings_it_stands_for(tmp_path):
    config = answered(config_of(tmp_path, prior={"preset": "small"}))
    stage = prior_of(config)
    written = config.section(stage).model_dump(mode="json") | {"preset": "base"}
    spelled = answered(config_of(tmp_path, prior=written))
    assert Graph.of(config).fingerprint(stage, {}) == Graph.of(spelled).fingerprint(stage, {})


def test_every_other_setting_stays_as_it_is(tmp_path):
    config = config_of(tmp_path, images={"max_aspect": 3.0})
    again = answered(config)
    assert again.images.max_aspect == 3.0
    assert again.model_copy(update={"images": config.images}) == config


def test_a_codec_of_another_size_answers(tmp_path):
    write_codec(str(tmp_path / "own.safetensors"))
    config = config_of(tmp_path, encode={"codec": "own.safetensors"})
    assert answered(config).images.side == 16
    assert config.images.side is None


def test_a_codec_that_is_not_there_is_an_error_of_the_stages_that_need_it(tmp_path):
    config = answered(config_of(tmp_path, encode={"codec": "none.safetensors"}))
    assert config.images.side is None
    graph = Graph.of(config)
    check_settings(graph, chosen_stages(graph.stages, ["crawl", "captions"]))
    (images,) = chosen_stages(graph.stages, ["images"])
    with pytest.raises(CodecError, match=r"none\.safetensors"):
        check_answered(graph, images)
    with pytest.raises(CodecError, match=r"none\.safetensors"):
        check_settings(graph, [images])


def test_a_limit_below_the_codecs_side_is_found_before_a_row_is_read(tmp_path):
    config = answered(config_of(tmp_path, images={"min_side": 32}))
    with pytest.raises(
        ConfigError, match="images: min_side is 32 px, but images are stored at 64 px"
    ):
        check_settings(Graph.of(config), Graph.of(config).stages)

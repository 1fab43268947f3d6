import pickle
import subprocess
import sys

import pytest
from pydantic import ValidationError

from pipelines.fetch.config import FetchConfig, dependencies
from pipelines.stage import Runtime
from pipelines.web.addresses import LoopbackAllowance


@pytest.mark.parametrize(
    "setting",
    [
        {"backend": "curl"},
        {"timeout": 3},
        {"timeout_s": 0},
        {"per_host_delay_s": float("inf")},
        {"max_bytes": 0},
        {"user_agent": ""},
        {"user_agent": "bot\r\nX: y"},
        {"concurrency": 0},
        {"concurrency": 5000},
        {"max_host_failures": -1},
        {"allow": [{"host": "*", "networks": ["10.2.0.0/16"]}]},
        {"allow": [{"host": "*.corp.example"}]},
        {"allow": [{"host": "*.corp.example", "networks": ["10.2.0.0"], "port": 80}]},
        {"allow": [{"host": "*.corp.example", "networks": ["0.0.0.0/0"]}]},
        {"max_reject_rate": 1.5},
    ],
)
def test_settings_that_make_no_sense_are_refused(setting):
    with pytest.raises(ValidationError):
        FetchConfig(**setting)


def test_the_defaults_are_polite():
    config = FetchConfig()
    assert config.obeys_robots
    assert config.honours_opt_out
    assert "http" in config.user_agent


def test_dependencies_name_versions():
    assert set(dependencies(FetchConfig())) == {"aiohttp", "idna"}


def test_an_allowance_has_the_ports_of_the_web_unless_it_names_others():
    allow = [{"host": "*.corp.example", "networks": ["10.2.0.0/16"]}]
    config = FetchConfig.model_validate({"allow": allow})
    assert [rule.allowance.ports for rule in config.allow] == [(80, 443)]


def test_the_runtime_travels_to_workers():
    runtime = Runtime(workers=2, loopback=LoopbackAllowance(8080, ".demo.test"))
    assert pickle.loads(pickle.dumps(runtime)) == runtime


def test_a_config_loads_nothing_heavy():
    code = (
        "import sys, pipelines.fetch.config as c; c.dependencies(c.FetchConfig())\n"
        "heavy = {'aiohttp', 'pyarrow', 'apache_beam', 'torch'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

"""What a person does wrong, or a disk: one clear message, the right exit code, no traceback."""

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.support.commands import DALLE, DATA_STAGES, checksums, dalle, environment
from tests.support.small_web import write_config

pytestmark = pytest.mark.slow


def failure(*arguments: object, code: int, **keywords: Any) -> str:
    result = dalle(*arguments, check=False, **keywords)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    message = result.stderr[result.stderr.index("dalle: ") :]
    assert len(message.splitlines()) <= 3
    return message


def test_a_config_error_names_the_line(tmp_path, web):
    config = write_config(tmp_path, str(web), extra="encoder: {codec: demo}\n")
    message = failure("run", "--config", config, "--dir", tmp_path / "run", code=2)
    assert f"{config}:7: encoder: unknown setting; did you mean `encode`?" in message
    assert not (tmp_path / "run").exists()


def test_a_missing_config(tmp_path):
    assert "cannot read the config" in failure("run", "--config", tmp_path / "no.yaml", code=2)


def test_a_missing_input_names_the_setting(tmp_path):
    config = write_config(tmp_path, "none.warc.gz")
    message = failure("run", "--config", config, "--dir", tmp_path / "run", code=2)
    assert "none.warc.gz" in message
    assert not (tmp_path / "run").exists()
    assert "crawl.sources[0]" in message


def test_a_misspelt_command_and_option(config):
    assert "No such command" in failure("rum", code=2)
    assert "no such option" in failure("run", "--config", config, "--wrokers=2", code=2)
    assert "did you mean `encode`?" in failure("run", "enocde", "--config", config, code=2)


def test_a_missing_codec(tmp_path, web, undisturbed):
    config = write_config(tmp_path, str(web), extra="encode: {codec: none.safetensors}\n")
    message = failure("run", "--config", config, "--dir", _copy(undisturbed, tmp_path), code=2)
    assert "none.safetensors" in message


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x08" + bytes(7) + b'{"a": 1}'])
def test_a_wrong_codec_is_refused_and_costs_nothing(
    tmp_path, web, config, undisturbed, expected, content
):
    root = _copy(undisturbed, tmp_path)
    (tmp_path / "wrong.safetensors").write_bytes(content)
    wrong = write_config(tmp_path, str(web), extra="encode: {codec: wrong.safetensors}\n")
    message = failure("run", "--config", wrong, "--dir", root, code=2)
    assert "wrong.safetensors" in message
    assert dalle("run", "--config", config, "--dir", root).stderr.count("nothing to do") == 6
    assert checksums(root) == expected


def test_a_shard_of_another_codec_is_refused_with_both_sides(undisturbed, tmp_path):
    root = _copy(undisturbed, tmp_path)
    part = root / "encode" / "part-00001-of-00003.parquet"
    table = pq.read_table(part)
    metadata = dict(table.schema.metadata)
    footer = json.loads(metadata[b"dalle"])
    metadata[b"dalle"] = json.dumps(footer | {"codec_sha256": "00" * 32}).encode()
    pq.write_table(table.replace_schema_metadata(metadata), part)
    message = failure("grid", "--dir", root, "--out", tmp_path / "grid.png", code=1)
    assert "different codecs cannot be mixed: codec_sha256" in message
    assert "part-00000-of-00003.parquet" in message


def test_a_truncated_shard_is_found_and_made_again(undisturbed, config, expected, tmp_path):
    root = _copy(undisturbed, tmp_path)
    part = root / "images" / "part-00000-of-00003.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    assert "is corrupt" in failure("verify", "--dir", root, code=1)
    dalle("run", "--config", config, "--dir", root)
    assert checksums(root) == expected


def test_a_directory_that_is_no_run(tmp_path):
    for command in (["explain", "0" * 40], ["report"], ["verify"], ["grid"], ["sample", "a cat"]):
        assert str(tmp_path) in failure(*command, "--dir", tmp_path, code=2)


def test_sampling_without_a_prior_says_what_to_run(undisturbed):
    message = failure("sample", "a red apple", "--dir", undisturbed, code=1)
    assert "dalle train prior" in message


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_the_run_and_freeing_it_goes_on(config, expected, tmp_path, workers):
    """A file size limit stands in for the disk: no write above it succeeds."""

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    root = tmp_path / "run"
    arguments = ["run", "--config", config, "--dir", root, "--workers", workers]
    message = failure(*arguments, code=1, preexec_fn=limited)
    assert "would be larger than its disk or `ulimit -f` allows" in message
    assert len(message.splitlines()) == 1
    stopped = _stages(root)
    assert stopped == ["crawl", "captions", "fetch"]
    dalle("run", *stopped, "--config", config, "--dir", root)
    assert checksums(root) == _of(expected, stopped)


def _copy(undisturbed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(undisturbed, tmp_path / "copy"))


def _stages(root: Path) -> list[str]:
    """The stages that have begun in a run."""
    return [stage for stage in DATA_STAGES if (root / stage).exists()]


def _of(expected: dict[str, str], stages: list[str]) -> dict[str, str]:
    """The checksums of some stages."""
    return {path: digest for path, digest in expected.items() if path.split("/")[0] in stages}


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_with_130_and_the_next_run_goes_on(config, expected, tmp_path, workers):
    """The terminal sends the signal to the whole process group."""
    root = tmp_path / "run"
    command = [DALLE, "run", "--config", config, "--dir", root, "--workers", str(workers)]
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # as a terminal starts it
    )
    while not (root / "fetch" / "progress").exists():
        time.sleep(0.02)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped; finished shards are kept" in said
    stopped = _stages(root)
    assert stopped == ["crawl", "captions", "fetch"]
    dalle("run", *stopped, "--config", config, "--dir", root)
    assert checksums(root) == _of(expected, stopped)

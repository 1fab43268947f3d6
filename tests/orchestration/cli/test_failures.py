from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from typer.exceptions import Exit

from dalle_model.errors import DalleError, UsageError
from orchestration.cli import signals
from orchestration.cli.failures import MAX_CHARS, MAX_LINES, describe, exit_code
from orchestration.engine.config import ConfigError

WORKER = """Pipeline failed: Traceback (most recent call last):
  File "worker.py", line 10, in process
dalle_model.checkpoint.CheckpointError: dvae.safetensors is missing; try demo [while running 'E']
"""


def test_our_own_errors_are_shown_as_they_are():
    assert describe(DalleError("shard 7 is missing; run `dalle run`")) == (
        "shard 7 is missing; run `dalle run`"
    )


def test_the_cause_of_a_runners_error_is_shown():
    error = RuntimeError("bundle failed")
    error.__cause__ = DalleError("the codec is missing")
    assert describe(error) == "the codec is missing"


def test_an_error_that_a_worker_sent_as_text_is_unwrapped():
    assert describe(RuntimeError(WORKER)) == "dvae.safetensors is missing; try demo"


def test_a_full_disk_says_what_to_do():
    message = describe(OSError(28, "No space left on device", "/data/x"))
    assert message.startswith("no space left on the device of /data/x; free some")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (FileExistsError(17, "File exists", "run"), "run: a file is where a folder is needed"),
        (NotADirectoryError(20, "Not a directory", "a/b"), "a/b: a file is where a folder"),
        (IsADirectoryError(21, "Is a directory", ".tmp-x", None, "x"), "x: a folder is where"),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_reported(error, message):
    assert describe(error).startswith(message)


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("No module named 'torch'"),
        PackageNotFoundError("torch"),
        RuntimeError(WORKER + "ModuleNotFoundError: No module named 'torch' [while running 'E']\n"),
    ],
)
def test_a_library_of_an_extra_is_named_with_the_command(error):
    assert describe(error).startswith(
        "torch is not installed: this command needs the extra `model`"
    )


def test_the_cause_of_an_import_error_is_shown():
    error = ImportError("Install s3fs to access S3")
    error.__cause__ = ModuleNotFoundError("No module named 's3fs'")
    assert describe(error).endswith("run `pip install 'dalle[s3]'`")


def test_a_missing_extra_needs_no_traceback(capsys):
    assert exit_code(ModuleNotFoundError("No module named 'torch'"), []) == 1
    assert "traceback" not in capsys.readouterr().err


def test_any_other_missing_module_is_a_surprise(capsys):
    assert exit_code(ModuleNotFoundError("No module named 'mine'"), []) == 1
    assert "full traceback: " in capsys.readouterr().err


def test_an_interrupt_inside_a_bundle_is_an_interrupt(capfd):
    error = RuntimeError("KeyboardInterrupt [while running 'FetchShard/Process']")
    error.__context__ = KeyboardInterrupt()
    assert exit_code(error, []) == 130
    assert capfd.readouterr().err.startswith("dalle: stopped;")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("run.yaml:3: unknown setting"), 2),
        (UsageError("no such recipe"), 2),
        (RuntimeError("x\npipelines.crawl.tables.columns.ColumnError: no column 'x'"), 2),
        (RuntimeError(WORKER), 1),
        (DalleError("failed"), 1),
        (ValueError("surprise"), 1),
        (KeyboardInterrupt(), 130),
        (Exit(0), 0),
        (SystemExit(2), 2),
    ],
)
def test_exit_codes(error, code, capsys):
    assert exit_code(error, []) == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_surprise_says_where_its_traceback_is(capsys):
    exit_code(ValueError("surprise"), [])
    message = capsys.readouterr().err
    assert "ValueError: surprise" in message
    log = message.split("full traceback: ")[1].split(",")[0]
    assert "ValueError: surprise" in Path(log).read_text()


@pytest.mark.parametrize(
    "error",
    [
        DalleError("x" * 56_000_000),
        DalleError("line\n" * 10_000),
        UnicodeDecodeError("utf-8", bytes(10_000_000), 0, 1, "invalid"),
        ValueError(bytes(1_000_000)),
    ],
)
def test_a_message_is_cut_to_a_screen(error, capsys):
    exit_code(error, [])
    said = capsys.readouterr().err
    assert len(said) < MAX_CHARS + 300
    assert len(said.splitlines()) <= MAX_LINES + 2
    if isinstance(error, DalleError):
        assert "more characters; --debug shows them" in said


def test_a_short_message_is_whole(capsys):
    exit_code(DalleError("a\nb\n"), [])
    assert capsys.readouterr().err == "dalle: a\nb\n\n"


@pytest.mark.parametrize(("is_closed", "code"), [(True, 141), (False, 1)])
def test_a_reader_that_has_gone_is_told_from_a_connection_that_broke(
    monkeypatch, capsys, is_closed, code
):
    """Typer ends with 1 and no word where an output pipe is closed; a socket fails alike."""
    monkeypatch.setattr(signals, "is_pipe_closed", lambda: is_closed)
    error = SystemExit(1)
    error.__context__ = BrokenPipeError(32, "Broken pipe")
    assert exit_code(error, []) == code
    assert ("BrokenPipeError: " in capsys.readouterr().err) is not is_closed

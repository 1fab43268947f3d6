"""The door `python -m dalle_model`; what lies behind it is tested in `tests/endtoend`."""

import pytest

import dalle_model.__main__ as door
from dalle_model.door import encode as command
from dalle_model.errors import DalleError, UsageError
from tests.support.raw_images import encode, smooth


def failing(error: BaseException):
    def command(_args, _given):
        raise error

    return command


def run(monkeypatch, error: BaseException) -> int:
    monkeypatch.setattr(command, "encode", failing(error))
    return door.main(["encode", "a", "b"])


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (DalleError("it failed"), 1, "dalle: it failed\n"),
        (UsageError("it is wrong"), 2, "dalle: it is wrong\n"),
        (KeyboardInterrupt(), 130, "dalle: stopped; finished shards are kept"),
        (OSError(28, "No space left"), 1, "OSError: [Errno 28] No space left; --debug"),
        (ModuleNotFoundError("No module named 'torch'"), 1, "pip install 'dalle[model]'"),
    ],
)
def test_an_error_is_a_line_and_an_exit_code(monkeypatch, capsys, error, code, said):
    assert run(monkeypatch, error) == code
    told = capsys.readouterr().err
    assert said in told
    assert "Traceback" not in told


def test_wrong_arguments_are_told(capsys):
    with pytest.raises(SystemExit) as caught:
        door.main(["encode", "a"])
    assert caught.value.code == 2
    assert "required: out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--batch-size", "0", "--batch-size 0: Input should be greater than or equal to 1"),
        ("--device", "tpu", "--device tpu: String should match"),
    ],
)
def test_a_setting_that_makes_no_sense_is_told_by_its_option(tmp_path, capsys, option, value, said):
    (tmp_path / "a.png").write_bytes(encode(smooth(70, 70), "PNG"))
    arguments = ["encode", str(tmp_path), str(tmp_path / "out"), option, value]
    assert door.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_type_of_what_is_carried_is_a_known_one(capsys):
    assert [command._carried(text) for text in ("a", "a:number")] == [
        ("a", "text"),
        ("a", "number"),
    ]
    with pytest.raises(SystemExit):
        door.main(["encode", "a", "b", "--carry", "score:float"])
    assert "'float' is none of text, integer, number" in capsys.readouterr().err


def test_a_selection_is_for_the_images_of_a_run(tmp_path, capsys):
    (tmp_path / "a.png").write_bytes(encode(smooth(70, 70), "PNG"))
    out = str(tmp_path / "out")
    assert door.main(["encode", str(tmp_path), out, "--selection", "dedupe"]) == 2
    assert "is no folder of an images stage" in capsys.readouterr().err

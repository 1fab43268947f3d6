"""What is wrong with an object store is a line with its cure, wherever the error is wrapped."""

import sys

import pytest

from dalle_model import files
from dalle_model.files import UnknownProtocolError
from orchestration.cli.failures import describe, exit_code
from orchestration.cli.stores import describe_store
from pipelines.crawl.discovery import MissingInputError, resolve
from pipelines.crawl.sources import Source


class NoCredentialsError(Exception):
    """As botocore names it."""


class DefaultCredentialsError(Exception):
    """As google.auth names it."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError("Unable to locate credentials"), "set AWS_ACCESS_KEY_ID and"),
        (DefaultCredentialsError("not found"), "GOOGLE_APPLICATION_CREDENTIALS"),
        (PermissionError("Access Denied"), "refused access (Access Denied): check the keys"),
        (FileNotFoundError("The specified bucket does not exist"), "there is no such bucket"),
    ],
)
def test_a_store_that_refuses_is_explained(error, said, capsys):
    assert said in describe(error)
    assert exit_code(error, []) == 1
    assert "traceback" not in capsys.readouterr().err
    wrapped = MissingInputError("crawl.sources[0].path: s3://b/x cannot be listed")
    wrapped.__cause__ = error
    assert describe(wrapped).startswith("crawl.sources[0].path: s3://b/x cannot be listed\n")
    assert said in describe(wrapped)
    assert exit_code(wrapped, []) == 1  # not the config is wrong, but the keys


@pytest.mark.parametrize(
    ("scheme", "library", "command"),
    [
        ("gs", "gcsfs", "pip install 'dalle[gcs]'"),
        ("az", "adlfs", "pip install adlfs"),
        ("hf", "huggingface_hub", "pip install huggingface-hub"),
    ],
)
def test_the_library_of_a_store_is_named_with_its_command(monkeypatch, scheme, library, command):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingInputError) as caught:
        resolve(Source(path=f"{scheme}://bucket/x.tsv"), "crawl.sources[0]")
    assert f"run `{command}`" in describe(caught.value)


def test_other_errors_are_none_of_a_store():
    assert describe_store([FileNotFoundError("a.txt"), PermissionError(13, "denied", "x")]) == ""


def test_an_unknown_protocol_names_the_one_that_was_meant(capsys):
    with pytest.raises(UnknownProtocolError, match=r"sp3://b/x: no .* did you mean `s3://`\?") as e:
        files.exists("sp3://b/x")
    assert exit_code(e.value, []) == 2

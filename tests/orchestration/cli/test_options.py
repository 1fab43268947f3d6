import pytest

from dalle_model.errors import UsageError
from orchestration.cli.options import split_arguments, split_reasons


def test_names_of_stages_come_apart_from_options_of_beam():
    names, options = split_arguments(["crawl", "--runner=X", "fetch", "--parallelism", "4"])
    assert names == ["crawl", "fetch"]
    assert options == ["--runner=X", "--parallelism", "4"]


def test_the_reasons_of_a_retry_stand_between_commas():
    assert split_reasons("timed_out, server_error,", shows_plan=False) == [
        "timed_out",
        "server_error",
    ]
    assert split_reasons(None, shows_plan=True) == []


@pytest.mark.parametrize("reasons", ["", " , "])
def test_a_retry_without_a_reason_is_refused(reasons):
    with pytest.raises(UsageError, match="names no reason; such as `--retry timed_out"):
        split_reasons(reasons, shows_plan=False)


def test_there_is_no_plan_of_a_retry():
    with pytest.raises(UsageError, match="leave one of them out"):
        split_reasons("timed_out", shows_plan=True)

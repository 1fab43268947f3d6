import pytest

from pipelines.web.failures import FetchFailure, Reason, reason_of_status


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (200, None),
        (203, None),
        (206, Reason.PARTIAL_RESPONSE),
        (300, Reason.BROKEN_REDIRECT),
        (304, Reason.BROKEN_REDIRECT),
        (400, Reason.CLIENT_ERROR),
        (401, Reason.CLIENT_ERROR),
        (403, Reason.CLIENT_ERROR),
        (404, Reason.NOT_FOUND),
        (410, Reason.NOT_FOUND),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SERVER_ERROR),
        (503, Reason.SERVER_ERROR),
    ],
)
def test_status_classes(status, reason):
    assert reason_of_status(status) is reason


def test_only_what_may_pass_is_worth_another_try():
    transient = {reason for reason in Reason if FetchFailure(reason, "").is_transient}
    assert transient == {
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.BROKEN_RESPONSE,
        Reason.TIMED_OUT,
        Reason.DNS_FAILED,
        Reason.CONNECTION_FAILED,
    }

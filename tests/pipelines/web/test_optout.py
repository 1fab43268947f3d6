import pytest

from pipelines.web.optout import opt_out

DATE = "unavailable_after: 25 Jun 2030 15:00:00 PST"
REFUSED = [
    (["noai"], "noai"),
    (["NoAI"], "noai"),
    (["noimageai"], "noimageai"),
    (["noindex"], "noindex"),
    (["noimageindex"], "noimageindex"),
    (["none"], "none"),
    (["noml"], "noml"),
    (["noarchive, noai"], "noai"),
    (["noarchive,noimageai"], "noimageai"),
    (["  noai  "], "noai"),
    (["noarchive; noai"], "noai"),
    (["nofollow noai"], "noai"),
    (["dallebot: noai"], "noai"),
    (["DALLEBOT : noai"], "noai"),
    (["dallebot/1.0: none"], "none"),
    (["*: noai"], "noai"),
    (["otherbot: noarchive, dallebot: noai"], "noai"),
    (["otherbot: noarchive, dallebot: nofollow, noai"], "noai"),
    (["otherbot: none", "noimageai"], "noimageai"),
    (["noarchive", "noai"], "noai"),
    ([f"{DATE}, noai"], "noai"),
    (["unavailable_after: Friday, 25-Jun-30 15:00:00 PST, noai"], "noai"),
    (["unavailable_after: 2030-01-01T00:00:00+01:00, none"], "none"),
    ([f"dallebot: {DATE}, noai"], "noai"),
    (["max-image-preview: large, noai"], "noai"),
    (["max-snippet:-1, max-image-preview:none, noimageai"], "noimageai"),
]
ALLOWED = [
    [],
    [""],
    ["all"],
    ["noarchive"],
    ["nofollow, nosnippet, notranslate"],
    ["otherbot: noai"],
    ["otherbot: noarchive, noai"],
    ["dallebot: nofollow, otherbot: noai"],
    [DATE],
    ["max-image-preview: none"],
    ["noaix, xnoai"],
    ["otherdallebot: noai"],
]


@pytest.mark.parametrize(("values", "directive"), REFUSED)
def test_refusals(values, directive):
    assert opt_out([("X-Robots-Tag", value) for value in values], "dallebot") == directive


@pytest.mark.parametrize("values", ALLOWED)
def test_what_is_no_refusal(values):
    assert opt_out([("x-robots-tag", value) for value in values], "dallebot") is None


def test_tdm_reservation():
    assert opt_out([("TDM-Reservation", " 1 ")], "dallebot") == "tdm-reservation: 1"
    assert opt_out([("tdm-reservation", "0")], "dallebot") is None
    assert opt_out([("tdm-policy", "https://example.com/1")], "dallebot") is None

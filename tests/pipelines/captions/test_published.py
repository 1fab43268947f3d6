from pipelines.captions.published import published_rates


def test_ours_is_compared_with_theirs():
    [rate] = published_rates("conceptual_captions", {"rules": (200, 50), "all": (200, 50)})
    assert (rate.theirs, rate.ours) == (0.03, 0.25)
    assert rate.source.startswith("Sharma et al. 2018")


def test_nothing_is_stated_of_what_nobody_measured():
    assert published_rates("laion", {"rules": (200, 50), "all": (200, 50)}) == []
    assert published_rates("coyo", {"all": (0, 0)}) == []

from pipelines.io.suggest import did_you_mean

KNOWN = ("too_few_words", "too_many_words", "shouting")


def test_the_nearest_name_is_suggested():
    assert did_you_mean("too_few_word", KNOWN) == "too_few_words"
    assert did_you_mean("shoutin", iter(KNOWN)) == "shouting"


def test_nothing_is_suggested_where_nothing_is_near():
    assert did_you_mean("tongue", KNOWN) is None
    assert did_you_mean("shouting", ()) is None

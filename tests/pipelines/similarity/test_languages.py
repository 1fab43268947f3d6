from pipelines.similarity.languages import languages_of

CAPTIONS = [
    "two brown dogs are running along the beach",
    "zwei braune Hunde laufen am Strand entlang",
    "deux chiens bruns courent le long de la plage",
    "1234",
]


def test_a_caption_is_of_a_named_language_or_another():
    assert list(languages_of(CAPTIONS, ["de", "en"])) == ["en", "de", "other", "other"]


def test_without_names_nothing_is_asked():
    assert list(languages_of(CAPTIONS, [])) == ["other"] * 4

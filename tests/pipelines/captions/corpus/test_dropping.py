from pipelines.captions.corpus import dropping
from pipelines.captions.corpus.hashes import hash_pairs, hash_texts
from pipelines.captions.corpus.shard import shard_captions
from tests.support.captions.funnels import candidates, filtered_of, funnel_of
from tests.support.captions.tallies import tally_of

PAIRS = [("a", "A dog"), ("b", "dropped before"), ("c", "the cat"), ("d", "A dog")]
LEFT = filtered_of(["a dog", "the cat", "a dog"], [0, 2, 3], [["person"], [], ["city", "river"]])
RAW = candidates(PAIRS)
TEXT_OF_MANY_IMAGES, RARE_NGRAMS, RARE_TYPES = "text_of_many_images", "rare_ngrams", "rare_types"


def drop(filtered, table, failing, funnel):
    return dropping.drop(shard_captions(table, filtered, funnel), failing, funnel.corpus_steps)


def failing(text, number):
    return tally_of({hash_texts([text]).tolist()[0]: number})


def test_nothing_failing_changes_nothing():
    assert drop(LEFT, RAW, {}, funnel_of({TEXT_OF_MANY_IMAGES: 10})) is LEFT


def test_what_fails_goes_with_its_count_limit_and_name():
    funnel = funnel_of({TEXT_OF_MANY_IMAGES: 10})
    found = drop(LEFT, RAW, {TEXT_OF_MANY_IMAGES: failing("a dog", 11)}, funnel)
    assert (found.rows.tolist(), found.texts.to_pylist()) == ([2], ["the cat"])
    assert found.types.to_pylist() == [[]]
    assert found.languages.to_pylist() == ["en"]
    assert found.failures.to_pylist() == [
        {"row": r, "reason": "text_of_many_images", "measured": 11, "threshold": 10, "detail": d}
        for r, d in [(0, "a dog"), (3, "a dog")]
    ]


def test_the_rarest_type_is_named():
    funnel = funnel_of({RARE_TYPES: 101})
    (river,) = hash_texts(["river"]).tolist()
    (city,) = hash_texts(["city"]).tolist()
    found = drop(LEFT, RAW, {RARE_TYPES: tally_of({river: 3, city: 4})}, funnel)
    assert found.rows.tolist() == [0, 2]
    (failure,) = found.failures.to_pylist()
    assert (failure["row"], failure["measured"], failure["detail"]) == (3, 3, "river")


def test_ngrams_are_those_of_the_text_before_rewriting():
    funnel = funnel_of({RARE_NGRAMS: 100})
    rewritten = filtered_of(["person", "the cat"], [0, 2])
    (pair,) = hash_pairs(hash_texts(["a", "dog"])).tolist()
    found = drop(rewritten, RAW, {RARE_NGRAMS: tally_of({pair: 107})}, funnel)
    assert found.rows.tolist() == [2]
    (failure,) = found.failures.to_pylist()
    assert (failure["measured"], failure["detail"]) == (107, "a dog")


def test_the_order_of_the_rules_names_the_reason_but_keeps_the_same_rows():
    fails = {TEXT_OF_MANY_IMAGES: failing("a dog", 11), RARE_TYPES: failing("river", 3)}
    limits = {TEXT_OF_MANY_IMAGES: 10.0, RARE_TYPES: 101.0}
    one = drop(LEFT, RAW, fails, funnel_of(limits))
    two = drop(LEFT, RAW, fails, funnel_of(dict(reversed(limits.items()))))
    assert one.rows.tolist() == two.rows.tolist() == [2]
    assert sorted(one.failures["reason"].to_pylist()) == ["text_of_many_images"] * 2
    assert sorted(two.failures["reason"].to_pylist()) == ["rare_types", "text_of_many_images"]

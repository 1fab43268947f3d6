import numpy as np
import pytest

from pipelines.select.lists import ListError
from pipelines.select.synsets import NamedSynsets, named_synsets, offsets_in
from tests.support.recipes.small_wordnet import (
    DICTIONARY,
    LISTED,
    WORDS,
    write_listed,
    write_wordnet,
)


@pytest.fixture
def named(tmp_path) -> NamedSynsets:
    paths = write_wordnet(tmp_path / "wordnet"), write_listed(tmp_path / "synsets.txt")
    return named_synsets(*map(str, paths))


@pytest.mark.parametrize("word", WORDS)
def test_the_first_sense_is_that_of_the_first_base_form(named, word):
    assert named.first_sense(word) == next(iter(DICTIONARY.offsets(word)), None)


def test_a_caption_names_a_synset_by_any_word(named):
    assert named.names_one("two Dogs\u00a0run")
    assert named.names_one("the BOXES")
    assert not named.names_one("women in churches")
    assert not named.names_one("")


def test_lists_as_text_and_as_numpy(tmp_path):
    np.save(tmp_path / "synsets.npy", np.array(sorted(LISTED)))
    listed = write_listed(tmp_path / "synsets.txt")
    assert offsets_in(str(listed)) == offsets_in(str(tmp_path / "synsets.npy")) == LISTED


def test_what_is_missing_or_no_list_is_named(tmp_path):
    with pytest.raises(ListError, match=r"select\.synsets.*imagenet21k_wordnet_ids"):
        offsets_in(str(tmp_path / "none.txt"))
    (tmp_path / "bad.txt").write_text("dog\n")
    with pytest.raises(ListError, match="no list of synsets"):
        offsets_in(str(tmp_path / "bad.txt"))
    with pytest.raises(ListError, match="wordnet-base"):
        NamedSynsets(str(tmp_path), str(write_listed(tmp_path / "s.txt")))
    write_wordnet(tmp_path)
    (tmp_path / "index.verb").write_text("run v one\n")
    with pytest.raises(ListError, match=r"index\.verb is no file of WordNet"):
        NamedSynsets(str(tmp_path), str(tmp_path / "s.txt"))

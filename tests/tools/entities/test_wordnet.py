from pathlib import Path

import pytest

from tools.entities.wordnet import common_words, read_synsets, types_of

# Lines in the format of wndb(5WN), shortened.
_NOUNS = """\
  1 This is the licence.
00000001 03 n 01 entity 0 000 | all that is
00000002 18 n 02 person 0 someone 0 001 @ 00000001 n 0000 | a human
00000003 18 n 01 actor 0 001 @ 00000002 n 0000 | one who plays
00000004 18 n 02 Bogart 0 Humphrey_Bogart 0 001 @i 00000003 n 0000 | played in films
00000005 15 n 01 city 0 001 @ 00000001 n 0000 | many houses
00000006 15 n 0b Rome 0 a_b 0 a_c 0 a_d 0 a_e 0 a_f 0 a_g 0 a_h 0 a_i 0 a_j 0 a_k 0 002 @i 00000005 n 0000 #p 00000001 n 0000 | old
00000007 04 n 01 War 0 001 @i 00000001 n 0000 | no type
"""  # noqa: E501


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data.noun").write_text(_NOUNS, "ascii")
    (tmp_path / "data.verb").write_text("00000009 29 v 01 adorn 0 000 01 + 08 00 | deck\n", "ascii")
    (tmp_path / "data.adj").write_text("00000010 01 a 01 Pakistani 0 000 | of it\n", "ascii")
    (tmp_path / "data.adv").write_text("00000011 02 r 01 gone(p) 0 000 | away\n", "ascii")
    return tmp_path


def test_synsets(folder: Path) -> None:
    synsets = read_synsets(folder / "data.noun")
    bogart = synsets["00000004"]
    assert bogart.names == ("Bogart", "Humphrey Bogart")
    assert (bogart.is_instance, bogart.is_person, bogart.parents) == (True, True, ("00000003",))
    assert len(synsets["00000006"].names) == 11
    assert not synsets["00000003"].is_instance


def test_nearest_type_wins(folder: Path) -> None:
    synsets = read_synsets(folder / "data.noun")
    types = [types_of(synsets[f"0000000{number}"], synsets) for number in (4, 6, 7)]
    assert types == ["actor", "city", ""]


def test_common_words_have_no_capital(folder: Path) -> None:
    found = common_words(folder)
    assert {"actor", "adorn", "gone"} <= found
    assert not {"Rome", "Pakistani", "a b"} & found

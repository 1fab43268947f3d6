"""Evidence is text that is read again as what it was."""

from pipelines.decontaminate.match import Match, from_text, surest, to_text

ALL = [
    Match("coco", 'val/"1".jpg', "file", 0.0),
    Match("coco", "ü\n.jpg", "caption", 3.0),
    Match("cub", "b.jpg", "look", 4.0),
    Match("cub", "a.jpg", "look", 5.0),
    Match("cub", "c.jpg", "embedding", 0.987654),
]


def test_evidence_is_read_again() -> None:
    assert from_text(to_text(ALL)) == ALL
    assert to_text(ALL[:1]) == (
        '[{"by":"file","of":"coco","reference":"val/\\"1\\".jpg","value":0.0}]'
    )


def test_the_surest_of_each_set_are_kept_in_one_order() -> None:
    expected = [ALL[0], ALL[2], ALL[1]]
    assert surest(ALL) == surest(ALL[::-1]) == expected
    higher = Match("cub", "d.jpg", "embedding", 0.99)
    assert surest([ALL[4], higher]) == [higher]

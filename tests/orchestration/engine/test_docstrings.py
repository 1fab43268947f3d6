from orchestration.engine.docstrings import meanings


class Plain:
    """Without arguments."""


class First:
    """One.

    Args:
        side: of a square,
            in pixels.
        name: whatever.

    Raises:
        ValueError: of no setting.
    """


class Second(First):
    """More.

    Args:
        name: of the second.
        other: `a: b` stays whole.
    """


def test_each_argument_is_one_line_and_nothing_else_is_one():
    assert meanings(Plain) == {}
    assert meanings(First) == {"side": "of a square, in pixels.", "name": "whatever."}


def test_a_class_says_what_those_that_it_inherits_from_leave_out():
    assert meanings(Second) == {
        "side": "of a square, in pixels.",
        "name": "of the second.",
        "other": "`a: b` stays whole.",
    }

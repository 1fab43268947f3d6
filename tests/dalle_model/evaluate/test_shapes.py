import numpy as np
import pytest

from dalle_model.evaluate.shapes import (
    COUNTS,
    FORMS,
    PALETTE,
    connected,
    find_shapes,
    shows,
    shows_count,
    shows_relation,
)
from tools.small_world.shapes import (
    count_combinations,
    counted,
    related,
    relation_combinations,
    render,
)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("color", PALETTE)
def test_a_rendered_shape_is_read_back(color: str, form: str) -> None:
    (found,) = find_shapes(render([(color, form, (12, 32))]))
    assert (found.color, found.form) == (color, form)
    assert (found.x, found.y) == pytest.approx((22, 42), abs=1)


def test_every_true_picture_passes_and_none_of_another_caption() -> None:
    rng = np.random.default_rng(0)
    made = [counted(one, rng) for one in count_combinations()]
    made += [related(one, rng) for one in list(relation_combinations())[::17]]
    assert all(shows(thing.image, thing.attributes) for thing in made)
    others = zip(made, [*made[1:], made[0]], strict=True)
    same = [shows(thing.image, other.attributes) for thing, other in others]
    assert not any(same)


@pytest.mark.parametrize("number", range(1, 5))
def test_a_count_is_exact(number: int) -> None:
    attributes = {"count": COUNTS[number - 1], "color": "red", "shape": "circles"}
    image = counted(attributes, np.random.default_rng(1)).image
    right = [shows_count(image, other, "red", "circle") for other in range(6)]
    assert right == [other == number for other in range(6)]
    assert not shows_count(image, number, "green", "circle")
    assert not shows_count(image, number, "red", "square")


def test_a_relation_is_the_direction_in_which_the_centres_are_furthest_apart() -> None:
    image = render([("red", "circle", (4, 8)), ("blue", "square", (36, 16))])
    said = {side: shows_relation(image, "red circle", side, "blue square") for side in SIDES}
    assert said == {"left of": True, "right of": False, "above": False, "below": False}
    assert shows_relation(image, "blue square", "right of", "red circle")
    assert not shows_relation(image, "red circle", "left of", "blue circle")
    third = np.minimum(image, render([("green", "square", (36, 44))]))
    assert not shows_relation(third, "red circle", "left of", "blue square")


SIDES = ("left of", "right of", "above", "below")


def test_pale_and_small_blots_are_no_shapes() -> None:
    image = render([("black", "triangle", (20, 20))])
    image = image.copy()
    image[2:6, 2:20] = 230
    image[50:56, 50:56] = (220, 30, 40)
    assert [shape.form for shape in find_shapes(image)] == ["triangle"]


def test_what_touches_at_corners_alone_is_apart() -> None:
    mask = np.array([[1, 1, 0], [0, 0, 1], [1, 0, 1]], bool)
    labels = connected(mask)
    assert len(np.unique(labels[mask])) == 3
    assert labels[0, 0] == labels[0, 1]
    assert labels[1, 2] == labels[2, 2]
    assert (labels[~mask] == 0).all()

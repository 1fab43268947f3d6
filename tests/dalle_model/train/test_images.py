import numpy as np
import pytest

from dalle_model import files
from dalle_model.data.augment import Augmentation
from dalle_model.train.images import (
    ImagesError,
    distinct_images,
    image_file,
    open_training_images,
    remove_images,
)
from tests.support.image_rows import noise
from tests.support.training_images import name_of, source_of, training_images

PLAIN = Augmentation("none", 16)


def test_images_are_sorted_by_name_and_equal_ones_keep_the_lowest():
    found = distinct_images((name_of(n), noise(min(n, 2))) for n in (3, 0, 2, 1))
    assert found.names == [name_of(n) for n in range(3)]
    assert all(np.array_equal(found.rgb[n], noise(n)) for n in range(3))


def test_no_images_at_all_are_refused():
    with pytest.raises(ImagesError, match="there are no images; `dalle run images`"):
        distinct_images([])


def test_held_out_is_decided_by_the_name_alone(tmp_path):
    found = training_images(tmp_path, [noise(n) for n in range(64)])
    assert (len(found.train), len(found.held_out)) == (60, 4)
    assert np.array_equal(found.held_out.first(1)[0], noise(15))


def test_the_file_is_used_again_unless_what_is_kept_of_images_changes(tmp_path):
    url, images = f"{tmp_path}/x.safetensors", [noise(n, 24, 30) for n in range(16)]

    def stamp(source, augmentation):
        open_training_images(source, url, augmentation)
        return (tmp_path / "x.safetensors.images").stat().st_mtime_ns

    first = stamp(source_of(images), PLAIN)
    assert stamp(source_of([]), Augmentation("shift", 16, 2, seed=3)) == first
    assert stamp(source_of(images), Augmentation("listing1", 16)) > first
    assert stamp(source_of(images, "other"), Augmentation("listing1", 16)) > first


@pytest.mark.parametrize(("count", "side", "said"), [
    (1, 16, "1 to train on and 0 held out;"),
    (0, 16, "0 to train on and 0 held out;"),
    (20, 17, "0 to train on and 0 held out, and 20 are below 17 px;"),
])  # fmt: skip
def test_too_few_images_is_one_clear_message(tmp_path, count, side, said):
    source = source_of([noise(n) for n in range(count)])
    with pytest.raises(ImagesError, match=f"too few images to train on in a folder: {said}"):
        open_training_images(source, f"{tmp_path}/x", Augmentation("none", side))


def test_the_file_lies_next_to_the_checkpoint_and_for_a_store_on_this_machine(tmp_path):
    training_images(tmp_path, [noise(n) for n in range(16)])
    url = f"{tmp_path}/codec.safetensors"
    assert files.exists(image_file(url))
    remove_images(url)
    assert list(tmp_path.iterdir()) == []
    assert files.is_local(image_file("memory://run/codec.safetensors"))
    assert image_file("memory://run/codec.safetensors") != image_file("memory://other/x")

"""Which images of a set are its test images, where its files say so."""

from dalle_model import files
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.listing import ImageSetError, list_set, location_of

# Source: CUB-200-2011 `README`: `<image_id> <image_name>`, and `<image_id> <is_training_image>`.
IMAGES, SPLIT = "images.txt", "train_test_split.txt"
IMAGE_FOLDER = "images/"


def images_of_test_split(one: ImageSet) -> set[str] | None:
    """Names of the test images of a set that is split as CUB is; None where no file splits it.

    Raises:
        ImageSetError: the two files do not fit together.
    """
    if not {IMAGES, SPLIT} <= list_set(one).keys():
        return None
    names, splits = (_lines(one, name) for name in (IMAGES, SPLIT))
    if names.keys() != splits.keys():
        raise ImageSetError(
            f"the set {one.name}: {SPLIT} and {IMAGES} number different images; use both as they "
            "come with the set"
        )
    return {IMAGE_FOLDER + names[number] for number, split in splits.items() if split == "0"}


def _lines(one: ImageSet, name: str) -> dict[str, str]:
    """The second word of each line by its first."""
    lines = files.read_bytes(location_of(one, name)).decode("utf-8", "replace").splitlines()
    parts = [line.split(maxsplit=1) for line in lines if line.strip()]
    if any(len(part) != 2 for part in parts):
        raise ImageSetError(f"the set {one.name}: {name} needs a number and a value a line")
    return {number: value.strip() for number, value in parts}

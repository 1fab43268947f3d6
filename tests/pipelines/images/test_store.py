from typing import get_args

import numpy as np
import pytest

from dalle_model.pixels import from_stored
from pipelines.images.config import Store
from pipelines.images.store import STORES
from tests.support.raw_images import smooth


def test_every_store_of_the_config_is_there() -> None:
    assert set(STORES) == set(get_args(Store))


@pytest.mark.parametrize(("name", "error"), [("png", 0), ("jpeg", 8)])
def test_what_is_stored_is_read_back(name, error) -> None:
    rgb = np.asarray(smooth(90, 60))
    encoded = STORES[name](rgb)
    assert np.abs(from_stored(encoded).astype(int) - rgb).max() <= error
    assert encoded == STORES[name](np.asfortranarray(rgb))

"""What cards have in common; the rest is tested with the cards that are made of it."""

import pytest

from pipelines.io.hub_card import size_category


@pytest.mark.parametrize(
    ("rows", "said"),
    [(0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (10**12 - 1, "100B<n<1T"), (10**13, "n>1T")],
)
def test_the_hubs_word_for_a_number(rows, said):
    assert size_category(rows) == said

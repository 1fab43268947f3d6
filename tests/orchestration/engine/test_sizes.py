import pytest

from orchestration.engine.sizes import size_text


@pytest.mark.parametrize(
    ("num_bytes", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (57.8e6, "57.8 MB"), (1.5e18, "1,500.0 PB")],
)
def test_numbers_of_bytes_for_people(num_bytes, said):
    assert size_text(num_bytes) == said

import pytest

from dalle_model.train.compression import block_shards, compression_rate, num_sent, pays


@pytest.mark.parametrize(
    ("width", "rank", "percent"), [(1920, 512, 83), (2688, 640, 85), (3968, 896, 86)]
)
def test_rates_are_those_of_the_papers_table_1(width: int, rank: int, percent: int) -> None:
    """The rank of the table is that of the eight cards of a machine together."""
    rate = compression_rate(block_shards(width, gpus=8), rank // 8)
    assert round(100 * rate) == percent
    assert rate == pytest.approx(1 - 5 * rank / (8 * width))


def test_shards_of_a_block_are_those_of_table_2() -> None:
    width, gpus, rank = 3968, 8, 112
    shards = block_shards(width, gpus)
    assert sum(rows * columns for rows, columns in shards) == 12 * width**2 // gpus
    sent = sum(num_sent(shape, rank) for shape in shards)
    p_and_q = 5 * width * gpus + 4 * width, width * gpus + 8 * width  # times r / m^2, r of all
    assert sent == sum(p_and_q) * (rank * gpus) // gpus**2


@pytest.mark.parametrize(
    ("shape", "rank", "numbers"), [((8, 24), 5, 160), ((8, 24), 6, 192), ((4, 99), 5, 396)]
)
def test_a_matrix_is_sent_whole_where_its_factors_are_no_smaller(
    shape: tuple[int, int], rank: int, numbers: int
) -> None:
    assert num_sent(shape, rank) == numbers
    assert pays(shape, rank) == (numbers < shape[0] * shape[1])

import pytest
import torch

from dalle_model.prior.embedding import StreamEmbedding
from tests.support.priors import TINY, random_stream

PAD = TINY.text_vocab


@pytest.fixture
def embedding() -> StreamEmbedding:
    torch.manual_seed(0)
    return StreamEmbedding(TINY)


def test_one_vector_a_stream_position(embedding: StreamEmbedding) -> None:
    text, image = random_stream(2)
    assert embedding(text, image).shape == (2, 10 + 9, TINY.width)


def test_each_padded_position_has_its_own_token(embedding: StreamEmbedding) -> None:
    text = torch.full((1, TINY.text_len), PAD)
    out = embedding(text, text.new_empty(1, 0))
    for position in (0, 7):
        expected = embedding.text_token.weight[PAD + position]
        expected = expected + embedding.text_position.weight[position]
        assert torch.equal(out[0, position], expected)


def test_image_position_is_token_plus_row_plus_column(embedding: StreamEmbedding) -> None:
    out = embedding.embed_image(torch.tensor([[5]]), first=7)  # row 2, column 1 of a 3x3 grid
    expected = embedding.image_token.weight[5] + (
        embedding.row.weight[2] + embedding.column.weight[1]
    )
    assert torch.equal(out[0, 0], expected)


def test_wrong_lengths_are_refused(embedding: StreamEmbedding) -> None:
    text, image = random_stream(1)
    with pytest.raises(ValueError, match="text has 9 positions, expected 10"):
        embedding(text[:, :9], image)
    with pytest.raises(ValueError, match="image has 18 tokens, grid holds 9"):
        embedding(text, image.repeat(1, 2))

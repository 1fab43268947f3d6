"""Caption tokens and image tokens as one stream of vectors."""

import torch
from torch import Tensor, nn

from dalle_model.config import PriorConfig

# Shape letters: B batch, T text positions, G grid side, I image positions, at most G * G,
# S = T + I stream positions, D model width.


class StreamEmbedding(nn.Module):
    """Embed text as token + position and images as token + row + column.

    A text position that holds padding (`pad_id`) uses a learned token that belongs to the position.
    Source: Ramesh et al. 2021, section 2.2 and figure 10.
    """

    def __init__(self, config: PriorConfig) -> None:
        super().__init__()
        width = config.width
        self.pad_id, self.text_len, self.grid = config.text_vocab, config.text_len, config.grid
        self.text_token = nn.Embedding(config.text_vocab + config.text_len, width)  # tail: pads
        self.text_position = nn.Embedding(config.text_len, width)
        self.image_token = nn.Embedding(config.image_vocab, width)
        self.row = nn.Embedding(config.grid, width)
        self.column = nn.Embedding(config.grid, width)

    def forward(self, text_BT: Tensor, image_BI: Tensor) -> Tensor:
        """Embed whole captions and the first I image tokens, as `(B, S, D)`.

        Raises:
            ValueError: the text does not have T positions, or the image has more than G * G.
        """
        if text_BT.shape[1] != self.text_len:
            raise ValueError(f"text has {text_BT.shape[1]} positions, expected {self.text_len}")
        if image_BI.shape[1] > self.grid**2:
            raise ValueError(f"image has {image_BI.shape[1]} tokens, grid holds {self.grid**2}")
        t_T = torch.arange(self.text_len, device=text_BT.device)
        ids_BT = torch.where(text_BT == self.pad_id, self.pad_id + t_T, text_BT)
        text_BTD = self.text_token(ids_BT) + self.text_position(t_T)
        return torch.cat([text_BTD, self.embed_image(image_BI, first=0)], dim=1)

    def embed_image(self, image_BI: Tensor, first: int) -> Tensor:
        """Embed consecutive image tokens, the first of them at raster position `first`."""
        i_I = torch.arange(first, first + image_BI.shape[1], device=image_BI.device)
        position_ID = self.row(i_I // self.grid) + self.column(i_I % self.grid)
        image_BID: Tensor = self.image_token(image_BI) + position_ID
        return image_BID

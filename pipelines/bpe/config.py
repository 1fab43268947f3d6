"""Settings of the bpe stage."""

from pydantic import BaseModel, ConfigDict, Field


class BpeConfig(BaseModel):
    """Text tokenizer, trained on the run's captions.

    Args:
        vocab_size: tokens, those of single bytes among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    vocab_size: int = Field(default=1024, ge=300, le=65536)

"""Text to token ids: byte-level BPE by `tokenizers`."""

"""An exported encoder and decoder as a codec: TorchScript, run on the CPU."""

import io
import warnings
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from dalle_model import files
from dalle_model.pixels import Codes, Rgb
from dalle_model.tokenizers.codec import CodecError, CodecFacts, check_codes, check_images
from dalle_model.tokenizers.torchscript import Script, read_script


class ScriptCodec:
    """A `dalle_model.tokenizers.codec.Codec`.

    Args:
        script: what its codes are.
        encoder: takes pixels, returns codes.
        decoder: takes codes, returns pixels; None where there is none.
    """

    def __init__(self, script: Script, encoder: nn.Module, decoder: nn.Module | None) -> None:
        self.facts: CodecFacts = script.facts
        self.encoder, self.decoder = encoder, decoder
        self.dtype: torch.dtype = getattr(torch, script.dtype)

    @classmethod
    def load(cls, url: str) -> Self:
        """Load what a YAML file names, and with it run the code that is in it.

        Raises:
            CodecError: the file is wrong, or an archive is no TorchScript.
        """
        script = read_script(url)
        decoder = None if script.decoder is None else load_archive(script.decoder)
        return cls(script, load_archive(script.encoder), decoder)

    def encode(self, images: Rgb) -> Codes:
        """Codes as of the protocol; raises ValueError where images have another dtype or shape.

        Raises:
            CodecError: the encoder returns something else than the YAML file says.
        """
        facts = self.facts
        check_images(facts, images)
        low, high = facts.pixel_range
        unit = images.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        pixels = torch.from_numpy(np.ascontiguousarray(unit)) * (high - low) + low
        with torch.inference_mode():
            found = self.encoder(pixels.to(self.dtype))
        codes: Tensor = found[0] if isinstance(found, tuple) else found
        wanted = (len(images), *facts.token_shape, *facts.codes_shape[1:])
        if codes.is_floating_point() or codes.numel() != np.prod(wanted):
            raise CodecError(
                f"the encoder of {facts.name} returns {codes.dtype} {tuple(codes.shape)}, not "
                f"whole numbers {wanted} as its YAML file says"
            )
        if codes.numel() and not 0 <= int(codes.min()) <= int(codes.max()) < facts.num_codes:
            raise CodecError(f"the encoder of {facts.name} returns codes beyond its `num_codes`")
        flat = codes.reshape(len(images), *facts.codes_shape)
        return flat.numpy().astype(facts.dtype)

    def decode(self, codes: Codes) -> Rgb:
        """Images as of the protocol; raises ValueError where codes have another shape or range.

        Raises:
            CodecError: there is no decoder.
        """
        facts = self.facts
        if self.decoder is None:
            raise CodecError(f"codec {facts.name} has no decoder; name one in its YAML file")
        check_codes(facts, codes)
        shaped = codes.astype(np.int64).reshape(-1, *facts.token_shape, *facts.codes_shape[1:])
        with torch.inference_mode():
            pixels: Tensor = self.decoder(torch.from_numpy(shaped)).float()
        low, high = facts.pixel_range
        unit = ((pixels - low) / (high - low)).clamp(0, 1).permute(0, 2, 3, 1)
        return np.asarray(np.rint(unit.numpy() * 255), np.uint8)


def load_archive(url: str) -> nn.Module:
    """Load TorchScript, and with it run the code that is in it.

    Raises:
        CodecError: it is none.
        FileNotFoundError: there is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would have `torch.export`
        try:
            archive = io.BytesIO(files.read_bytes(url))
            module: nn.Module = torch.jit.load(archive, "cpu")  # type: ignore[no-untyped-call]
        except RuntimeError as error:
            raise CodecError(f"{url} is no TorchScript: {str(error)[:200]}") from error
    return module.eval()

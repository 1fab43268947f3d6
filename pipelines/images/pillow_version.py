"""The oldest Pillow that may decode a stranger's bytes.

Beam 2.77 asks for a Pillow below 13, so that the package's own metadata cannot ask for 13 and be
installed beside it. What metadata cannot say is checked here, before the stage's first row.
"""

from dalle_model.errors import DalleError

# Two critical overflows in the decoders of 12.3 are closed in 13.0. Source: Pillow release notes
# 13.0.0; GHSA-5x8w-8jj5-q52h, GHSA-8g5g-8vmr-9782.
OLDEST_MAJOR = 13


class PillowVersionError(DalleError):
    """The installed Pillow has known holes in its decoders."""


def check_pillow(installed: str) -> None:
    """Refuse a Pillow whose decoders a crafted image can overflow.

    Args:
        installed: its version, such as `13.0.0`.

    Raises:
        PillowVersionError: it is older than `OLDEST_MAJOR`.
    """
    if int(installed.partition(".")[0]) < OLDEST_MAJOR:
        raise PillowVersionError(
            f"Pillow {installed} is installed, and images from the web can overflow its decoders "
            "(GHSA-5x8w-8jj5-q52h, GHSA-8g5g-8vmr-9782); run `pip install 'pillow>=13'`; the "
            "conflict with apache-beam that pip then reports is harmless, since Beam uses Pillow "
            "in its examples only"
        )

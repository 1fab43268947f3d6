"""The formats of token sets: one line each."""

from orchestration.token_formats.dalle_mini import DALLE_MINI
from orchestration.token_formats.format import Format, FormatError
from orchestration.token_formats.four_m import FOUR_M
from orchestration.token_formats.hugging_face import HUGGING_FACE
from orchestration.token_formats.litdata_chunks import LITDATA
from orchestration.token_formats.llamagen import LLAMAGEN
from orchestration.token_formats.mds import MDS
from orchestration.token_formats.one_x import ONE_X
from orchestration.token_formats.rar import RAR
from orchestration.token_formats.webdataset_tars import WEBDATASET
from pipelines.io.suggest import did_you_mean

_ALL = (HUGGING_FACE, WEBDATASET, DALLE_MINI, LLAMAGEN, RAR, FOUR_M, ONE_X, MDS, LITDATA)
FORMATS = {form.name: form for form in _ALL}


def format_of(name: str) -> Format:
    """A format by its name; raises FormatError where there is none."""
    if name not in FORMATS:
        near = did_you_mean(name, FORMATS)
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(FORMATS)}"
        raise FormatError(f"no format {name!r} of token sets; {hint}")
    return FORMATS[name]


def importable() -> list[str]:
    """Names of the formats that can be read as a token set."""
    return [form.name for form in FORMATS.values() if form.read is not None]

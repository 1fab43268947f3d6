"""Makes `perceptron.npz` from the wheel of textblob-aptagger; needs to be run only once.

    pip download --no-deps textblob-aptagger==0.2.0
    python -m tools.tagger.make_weights textblob_aptagger-0.2.0-py2.py3-none-any.whl

The wheel's pickle holds features -> tag -> weight as dictionaries. All weights are multiples of
0.001, so they are kept as whole thousandths: sums are exact, and ties are ties on any machine.
"""

import io
import pickle
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dalle_model.files import sha256, write_bytes
from pipelines.text.tagging.weights import WEIGHTS_PATH

# Source: https://pypi.org/project/textblob-aptagger/0.2.0/ (MIT; see perceptron.LICENSE)
WHEEL_SHA256 = "1ed281f37b3646475503ce77347d0ed92a5f4de176a63c6ab4d1064636067dcc"
MEMBER = "textblob_aptagger/trontagger-0.1.0.pickle"
UNITS = 1000  # a weight of 1.0


class _PlainUnpickler(pickle.Unpickler):
    """Reads dictionaries, strings, numbers and sets; refuses whatever else a pickle can name."""

    def find_class(self, module_name: str, global_name: str) -> Any:
        if (module_name, global_name) in {("__builtin__", "set"), ("builtins", "set")}:
            return set
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no plain data")


def read_wheel(path: Path) -> tuple[dict[str, dict[str, float]], dict[str, str], set[str]]:
    """Weights by feature and tag, the words that have but one tag, and all tags.

    Raises:
        ValueError: it is another wheel.
        pickle.UnpicklingError: its pickle holds more than plain data.
    """
    content = path.read_bytes()
    if sha256(content) != WHEEL_SHA256:
        raise ValueError(f"{path}: sha256 is {sha256(content)}, expected {WHEEL_SHA256}")
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        found = _PlainUnpickler(io.BytesIO(wheel.read(MEMBER)), encoding="ascii").load()
    weights, single, tags = found
    return weights, single, tags


def arrays(
    weights: Mapping[str, Mapping[str, float]], single: Mapping[str, str], tags: Iterable[str]
) -> dict[str, NDArray[Any]]:
    """The model as arrays without objects, in a fixed order; features without weights left out."""
    names = sorted(tags)
    number = {tag: i for i, tag in enumerate(names)}
    features = sorted(feature for feature, row in weights.items() if row)
    cells = [(number[t], w) for f in features for t, w in sorted(weights[f].items())]
    return {
        "tags": _text(names),
        "features": _text(features),
        "lengths": np.array([len(weights[f]) for f in features], np.uint8),
        "columns": np.array([column for column, _ in cells], np.uint8),
        "thousandths": np.array([round(w * UNITS) for _, w in cells], np.int32),
        "single_words": _text(sorted(single)),
        "single_tags": np.array([number[single[word]] for word in sorted(single)], np.uint8),
    }


def _text(lines: Iterable[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(lines).encode("utf-8"), np.uint8)


def main(wheel: Path) -> None:
    """Write the model where the tagger looks for it."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays(*read_wheel(wheel)))
    write_bytes(str(WEIGHTS_PATH), buffer.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A model in ONNX, run so that an image has one result: one thread, one image at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.quality.weights import EXTRA, ScorerError

Run = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
_ERRORS_ONLY = 3  # severity of what is logged; else CenterFace's file gives 190 lines of warnings


def open_session(name: str, onnx: bytes) -> Run:
    """What runs a model of one input, on one core.

    Args:
        name: of the model, for errors.
        onnx: its file.

    Returns:
        From the input to all outputs in the order of the file. Kernels and their order depend on
        the version of onnxruntime and on the instructions of the processor alone.

    Raises:
        ScorerError: onnxruntime is not installed, or refuses the file.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ScorerError(
            f"onnxruntime is not installed, which {name} needs; run `pip install 'dalle[{EXTRA}]'`"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # else each shape of image leaves a plan behind
    options.log_severity_level = _ERRORS_ONLY
    try:
        session: Any = onnxruntime.InferenceSession(
            onnx, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # whatever onnxruntime makes of a damaged file
        raise ScorerError(
            f"onnxruntime {onnxruntime.__version__} cannot load {name}: {str(error)[:200]}; "
            "install the package with its weights again"
        ) from error
    (given,) = [one.name for one in session.get_inputs()]

    def run(values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return list(session.run(None, {given: values}))

    return run

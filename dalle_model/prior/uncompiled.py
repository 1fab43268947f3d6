"""What torch.compile leaves as it is, between what it compiles.

Its rewriting of what writes into views has no place for windows that overlap.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from dalle_model.prior import windows

attend_in_windows: Callable[..., Tensor]
attend_in_windows = torch.compiler.disable(windows.attend_in_windows)  # type: ignore[no-untyped-call]

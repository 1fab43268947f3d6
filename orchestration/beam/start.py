"""All that is checked of a runner before anything starts."""

from collections.abc import Sequence

from orchestration.beam.needs import check_needs
from orchestration.beam.options import check_options
from orchestration.beam.reachable import check_reachable


def check_start(passed_through: Sequence[str], root: str) -> None:
    """Refuse a run that its runner could not do, for what is written first, then by asking it.

    Args:
        passed_through: Beam options, with those of a profile.
        root: the run directory.

    Raises:
        RunnerError: what is wrong, and what mends it.
        NotReadyError: what is not there, and how to start or install it.
    """
    check_options(passed_through)
    check_needs(passed_through, root)
    check_reachable(passed_through)

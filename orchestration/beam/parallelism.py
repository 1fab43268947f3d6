"""How many processes a runner has: limits of politeness hold for one, and are parted among all."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.beam.environment import works_here
from orchestration.beam.options import options_of
from orchestration.beam.runners import DATAFLOW, PRISM, chosen_runner, is_local

ONE_PROCESS = "no_use_multiple_sdk_containers"  # Source: apache-beam 2.77.0, dataflow/internal/
# Machine types that say their vCPUs, `n2-standard-4` and `n2-custom-8-16384`.
# Source: https://cloud.google.com/compute/docs/machine-resource
_VCPUS = re.compile(r"(?:[a-z]\w*-)?(?:standard|highmem|highcpu|megamem|ultramem|custom)-(\d+)\b")


def workers_of(passed_through: Sequence[str], workers: int | None = None) -> int | None:
    """The most processes that will work at once; None where the options do not say.

    Args:
        passed_through: Beam options.
        workers: as the user asks for: the processes of the local runner, which has one by default;
            of any other runner what holds where its options do not say it.
    """
    if is_local(passed_through):
        return max(_local(passed_through), workers or 1)
    options, runner = options_of(passed_through), chosen_runner(passed_through)
    if runner == DATAFLOW:
        return _on_dataflow(options) or workers
    if works_here(passed_through) or runner == PRISM:  # which starts one, whatever it is told
        return 1
    return _on_engine(options) or workers


def vcpus_of(machine_type: str) -> int | None:
    """The vCPUs of a machine of Google Cloud; None where its type does not say them."""
    found = _VCPUS.match(machine_type)
    return int(found[1]) if found else None


def _local(passed_through: Sequence[str]) -> int:
    """What Beam's own options ask for, where `--workers` is not used."""
    if not passed_through:
        return 1
    options = options_of(passed_through)
    return 1 if options["direct_running_mode"] == "in_memory" else options["direct_num_workers"]


def _on_engine(options: Mapping[str, Any]) -> int | None:
    """As many TaskManagers as slots at the most, each with its processes of Python."""
    slots, each = options["parallelism"], str(options["sdk_worker_parallelism"])
    if slots < 1 or not each.isdigit() or each == "0":  # each 0: the runner chooses
        return None
    return int(slots * int(each))


def _on_dataflow(options: Mapping[str, Any]) -> int | None:
    """Machines times processes: one a vCPU, or one in all."""
    is_fixed = options["autoscaling_algorithm"] == "NONE"
    machines = options["num_workers"] if is_fixed else options["max_num_workers"]
    is_one = ONE_PROCESS in (options["experiments"] or [])
    processes = 1 if is_one else vcpus_of(options["machine_type"] or "")
    return machines * processes if machines and processes else None

"""`python -m orchestration.beam.boot`: the program that an engine starts for a harness.

An engine in another language starts workers of a `PROCESS` environment by one program, with the
address at which the worker learns the rest. In Beam's images that is a Go program, which wants a
container; this one wants the environment that it is started in, where the project is installed.
Artifacts that a job stages are not taken: all code of a run is in installed packages.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence

from orchestration.beam.private import harness_variables, run_harness

# Source: apache-beam 2.77.0, sdks/python/container/boot.go: the flags, all of which may be left out
# but for the first two.
FLAGS = (
    "id",
    "provision_endpoint",
    "logging_endpoint",
    "artifact_endpoint",
    "control_endpoint",
    "semi_persist_dir",
)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of an engine; unknown ones are left alone, since newer engines add some."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.beam.boot", description=__doc__)
    for flag in FLAGS:
        parser.add_argument(f"--{flag}", default="", required=flag in FLAGS[:2])
    return parser.parse_known_args(arguments)[0]


def main(arguments: Sequence[str]) -> None:
    """Ask the engine for the worker's settings, and be that worker until its job ends."""
    flags = parsed(arguments)
    os.environ |= harness_variables(
        flags.id, flags.provision_endpoint, flags.logging_endpoint, flags.control_endpoint
    )
    os.environ["SEMI_PERSISTENT_DIRECTORY"] = flags.semi_persist_dir or tempfile.gettempdir()
    run_harness()


if __name__ == "__main__":
    main(sys.argv[1:])

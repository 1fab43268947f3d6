"""What commands have in common: how they tell of what they did, and end."""

import sys
from argparse import ArgumentParser, _SubParsersAction
from typing import TypeAlias

Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"  # generic in its stub alone

STOPPED = "stopped; finished shards are kept, and the same command goes on from there"
STOPPED_AT_ONCE = "stopped at once; the same command goes on from the last saved state"


def said(line: str) -> int:
    """Tell of success."""
    sys.stdout.write(f"{line}\n")
    return 0


def failed(message: str, code: int) -> int:
    """Tell why a command has failed."""
    sys.stderr.write(f"dalle: {message}\n")
    return code


def add_debug(parser: ArgumentParser) -> None:
    """Add the option that all commands have."""
    parser.add_argument("--debug", action="store_true", help="shows where an error comes from")

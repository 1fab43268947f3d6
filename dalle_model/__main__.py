"""`python -m dalle_model`: what `dalle` does with models, where neither Beam nor its parts are.

A door, not a floor: nothing else imports it or the package `door`, and they alone of this package
see `pipelines`.
"""

import sys
import traceback
from argparse import ArgumentParser
from collections.abc import Sequence

from dalle_model.door.clip import add_clip
from dalle_model.door.codec import add_codecs
from dalle_model.door.encode import add_encode
from dalle_model.door.ending import exit_code, watch
from dalle_model.door.mini import add_mini
from dalle_model.door.telling import STOPPED, failed
from dalle_model.door.train import add_train
from dalle_model.errors import DalleError, UsageError

_MODEL = "pip install 'dalle[model]'"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit code is 1 where it failed, and 2 where its arguments are wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = _parser().parse_args(given)
    try:
        return int(args.command(args, given))
    except KeyboardInterrupt as stopped:
        return failed(str(stopped) or STOPPED, exit_code())
    except DalleError as error:
        if code := getattr(error, "code", 0):  # of a worker, which has said why
            return int(code)
        return failed(str(error), 2 if isinstance(error, UsageError) else 1)
    except ModuleNotFoundError as error:
        return failed(f"{error}; run `{_MODEL}`", 1)
    except Exception as error:  # noqa: BLE001 - whatever it is, a line says so
        if args.debug:
            traceback.print_exc()
        return failed(f"{type(error).__name__}: {error}; --debug shows where", 1)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("python -m dalle_model", description="Models where Beam is not.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_encode(commands)
    models = add_train(commands)
    add_codecs(models)
    add_clip(models)
    add_mini(models)
    return parser


if __name__ == "__main__":
    watch()
    sys.exit(main())

"""Entry of the Dataflow template: a job's parameters become one `dalle run`.

The service starts this file in the launcher's container, with the template's parameters and Beam's
own options, of which `--template_location` makes Beam hand over the graph in place of running it:
the command ends as soon as the graph is built.
"""

import sys
from collections.abc import Sequence

from orchestration.__main__ import main


def run_arguments(given: Sequence[str]) -> list[str]:
    """The line of `dalle` that the parameters of a job mean.

    Args:
        given: as the service gives them: `--stages=crawl,captions` names stages, `--config` and
            `--dir` are those of `dalle run`, and all else is Beam's.
    """
    parameters = [argument for argument in given if argument.startswith("--stages=")]
    names = ",".join(argument.partition("=")[2] for argument in parameters).split(",")
    rest = [argument for argument in given if argument not in parameters]
    return ["run", *(name.strip() for name in names if name.strip()), *rest]


if __name__ == "__main__":
    sys.argv[1:] = run_arguments(sys.argv[1:])
    main()

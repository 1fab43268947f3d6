"""The options that commands share, and how a line is parted into names and options of Beam."""

from typing import Annotated

import typer

from dalle_model.errors import UsageError

# Of a command that passes on what it does not know; `-h` is ours, or Beam would answer it.
BEAM_OPTIONS = {"ignore_unknown_options": True, "allow_extra_args": True}
HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
DEFAULT_CONFIG = "dalle.yaml"
EPILOG = "--debug, anywhere on the line, shows the full traceback of an error."

ConfigOption = Annotated[str, typer.Option("--config", help="YAML file or URL with the settings.")]
DirOption = Annotated[
    str,
    typer.Option("--dir", help="Run directory: a folder or a URL; runs/NAME-IN-CONFIG by default."),
]
FoundDirOption = Annotated[
    str,
    typer.Option(
        "--dir", help="Run directory: a folder or a URL; the latest below runs/ by default."
    ),
]
DemoDirOption = Annotated[str, typer.Option("--dir", help="Run directory: a folder or a URL.")]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Processes of the local runner; 1, in process, if none."),
]
ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="NAME|FILE",
        help="Where to run: local, flink, dataflow, portable, prism, or a YAML file or URL.",
    ),
]
RetryOption = Annotated[
    str | None,
    typer.Option(
        "--retry",
        metavar="REASON,...",
        help="Only take up again the rows dropped for these reasons, such as timed_out.",
    ),
]
ColumnOption = Annotated[
    str, typer.Option("--url-column", help="Of a table, where it cannot be told; name or number.")
]
OutOption = Annotated[str, typer.Option("--out", help="PNG file to write.")]
YesOption = Annotated[
    bool, typer.Option("--yes", help="Replace another run that is finished in the directory.")
]


def split_arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Part stage names from Beam options; a bare word after `--option` is that option's value.

    Returns:
        The names, and the options as Beam reads them.
    """
    names: list[str] = []
    options: list[str] = []
    takes_value = False
    for argument in arguments:
        if argument.startswith("-"):
            options.append(argument)
            takes_value = "=" not in argument
        elif takes_value:
            options.append(argument)
            takes_value = False
        else:
            names.append(argument)
    return names, options


def split_reasons(reasons: str | None, *, shows_plan: bool) -> list[str]:
    """The reasons of `--retry`, by comma; none where the option is not given.

    Raises:
        UsageError: it names none, or there is a plan to show, which would not be of a retry.
    """
    if reasons is None:
        return []
    names = [name.strip() for name in reasons.split(",") if name.strip()]
    if not names:
        raise UsageError("--retry names no reason; such as `--retry timed_out,server_error`")
    if shows_plan:
        raise UsageError("--plan shows what a run without --retry would do; leave one of them out")
    return names

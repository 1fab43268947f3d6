"""The command `dalle`, and `python -m orchestration`."""

from orchestration.cli import signals


def main() -> None:
    """Run the command line; from here on Ctrl-C shows no traceback, during imports either."""
    signals.watch()
    from orchestration.cli.main import main as command

    command()


if __name__ == "__main__":
    main()

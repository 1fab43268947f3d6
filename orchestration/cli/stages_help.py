"""The help of a command that takes stages: each with a line, read when the help is asked for."""

from typing import Any

from typer.core import TyperCommand


class StagesCommand(TyperCommand):
    """A command whose help lists all stages, in the order in which they run."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The list of stages, before the epilog."""
        from orchestration.engine.graph import all_stages

        with formatter.section("Stages"):
            formatter.write_dl([(stage.name, stage.about) for stage in all_stages()])
        super().format_epilog(ctx, formatter)

"""`python -m tools.flex_template`: writes infra/dataflow/metadata.json, the template's parameters.

They are options of `dalle run` and names of stages, so what a job may be given cannot differ from
what the command takes. Source of the form: Dataflow, "Configure Flex Templates", metadata.
"""

import json
import sys
from pathlib import Path
from typing import Any

import typer.main

from orchestration.cli.main import app
from orchestration.engine.graph import all_stages

METADATA = Path(__file__).parents[1] / "infra" / "dataflow" / "metadata.json"
URL = r"^gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]/.+$"  # Source: Cloud Storage, bucket naming

Parameter = dict[str, Any]


def metadata() -> dict[str, Any]:
    """The description of the template."""
    return {
        "name": "dalle",
        "description": "From the raw web to token shards: the data stages of a run, as one job.",
        "streaming": False,
        "parameters": [
            _option("config", "Config file", "GCS_READ_FILE"),
            _option("dir", "Run directory", "GCS_WRITE_FOLDER"),
            _stages(),
        ],
    }


def _option(name: str, label: str, kind: str) -> Parameter:
    """An option of `dalle run` that is a URL."""
    group: Any = typer.main.get_command(app)
    option = next(p for p in group.commands["run"].params if f"--{name}" in p.opts)
    return {
        "name": name,
        "label": label,
        "helpText": f"{option.help} A URL in a bucket that the workers may read and write.",
        "isOptional": False,
        "regexes": [URL],
        "paramType": kind,
    }


def _stages() -> Parameter:
    """Those that work on shards; models are trained elsewhere."""
    names = [stage.name for stage in all_stages() if stage.is_default and stage.is_sharded]
    one = f"({'|'.join(names)})"
    return {
        "name": "stages",
        "label": "Stages",
        "helpText": f"Parted by commas; all by default. There are {', '.join(names)}.",
        "isOptional": True,
        "regexes": [f"^{one}(,{one})*$"],
        "paramType": "TEXT",
    }


def text() -> str:
    """The file as it should be."""
    return json.dumps(metadata(), indent=2) + "\n"


def main() -> int:
    """Write the file."""
    METADATA.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())

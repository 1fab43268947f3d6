"""What the template's launcher runs is a command that `dalle` understands."""

import json
import re
import runpy

from orchestration.cli.options import split_arguments
from tests.support.documents import ROOT

LAUNCH = runpy.run_path(str(ROOT / "infra" / "dataflow" / "launch.py"))
GIVEN = [
    "--config=gs://bucket/dalle.yaml",
    "--stages=crawl,captions",
    "--dir=gs://bucket/run",
    "--runner=DataflowRunner",
    "--template_location=gs://bucket/staging/job_object",
]


def test_stages_become_names_and_all_else_stays_as_it_is():
    words = LAUNCH["run_arguments"](GIVEN)
    assert words == ["run", "crawl", "captions", *(a for a in GIVEN if "--stages" not in a)]
    assert split_arguments(words[1:])[0] == ["crawl", "captions"]


def test_without_stages_all_are_run():
    assert LAUNCH["run_arguments"](GIVEN[:1]) == ["run", GIVEN[0]]
    assert LAUNCH["run_arguments"](["--stages="]) == ["run"]


def test_every_parameter_of_the_template_is_one_that_is_understood():
    metadata = json.loads((ROOT / "infra" / "dataflow" / "metadata.json").read_text())
    names = {parameter["name"] for parameter in metadata["parameters"]}
    assert names == {match[1] for a in GIVEN[:3] if (match := re.match(r"--(\w+)=", a))}

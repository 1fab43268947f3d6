"""The floors and doors of the house hold, and a planted violation of each is caught."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipelines", "dalle_model", "orchestration")
WIRING = {"transforms", "pipeline"}


def beam_importers() -> set[str]:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    reached = graph.find_downstream_modules("apache_beam")
    return {m for m in reached if m.startswith(("pipelines.", "dalle_model."))}


def test_beam_is_reached_only_through_wiring():
    modules = beam_importers()
    assert "pipelines.io.transforms" in modules  # the graph sees Beam at all
    assert {m for m in modules if m.rsplit(".", 1)[-1] not in WIRING} == set()


VIOLATIONS = {
    "orchestration -> pipelines -> dalle_model": (
        "dalle_model/planted.py",
        "import pipelines.records\n",
    ),
    "dalle_model runs without Beam or the crawler installed": (
        "dalle_model/planted.py",
        "import apache_beam\n",
    ),
    "only transforms.py and pipeline.py import Beam": (
        "pipelines/captions/planted.py",
        "import apache_beam\n",
    ),
    "the leaves import no torch": ("dalle_model/vocab.py", "import torch\n"),
    "models know nothing of training and sampling": (
        "dalle_model/prior/planted.py",
        "import dalle_model.train.prior\n",
    ),
    "stages are independent": (
        "pipelines/captions/planted.py",
        "import pipelines.fetch.config\n",
    ),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_house_as_it_is_keeps_every_contract(copy):
    result = lint(copy)
    assert result.returncode == 0, result.stdout
    assert f"Contracts: {len(VIOLATIONS)} kept, 0 broken." in result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_is_caught(copy, contract):
    path, line = VIOLATIONS[contract]
    target = copy / path
    before = target.read_text() if target.exists() else None
    target.write_text(line + (before or ""))
    try:
        result = lint(copy)
    finally:
        target.unlink() if before is None else target.write_text(before)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout


def test_a_pure_module_that_imports_wiring_is_caught(copy):
    """The hole that ignored edges leave in import-linter; the graph test closes it."""
    planted = copy / "pipelines" / "captions" / "planted.py"
    planted.write_text("import pipelines.io.transforms\n")
    script = (
        "import grimp;"
        f"g=grimp.build_graph(*{PACKAGES!r},include_external_packages=True,cache_dir=None);"
        "print('pipelines.captions.planted' in g.find_downstream_modules('apache_beam'))"
    )
    try:
        result = subprocess.run(
            [sys.executable, "-c", script],
            cwd=copy,
            env={"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
        )
    finally:
        planted.unlink()
    assert result.stdout.strip() == "True", result.stderr


def loaded_modules(statement: str) -> set[str]:
    script = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    output = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    return set(json.loads(output.splitlines()[-1]))


def test_help_loads_no_heavy_library():
    statement = (
        "import io, contextlib, orchestration.cli.main as cli\n"
        "with contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    cli.app(['--help'], standalone_mode=False)\n"
        "assert 'explain' in out.getvalue()"
    )
    heavy = {"torch", "apache_beam", "img2dataset", "pyarrow", "numpy", "pydantic", "matplotlib"}
    assert loaded_modules(statement) & heavy == set()


@pytest.mark.parametrize("leaf", ["files", "shards", "pixels", "vocab", "config"])
def test_a_leaf_loads_without_torch(leaf):
    assert "torch" not in loaded_modules(f"import dalle_model.{leaf}")


def test_the_config_loads_without_torch_and_beam():
    assert loaded_modules("import orchestration.engine.config") & {"torch", "apache_beam"} == set()


def test_the_models_import_where_beam_is_not_installed():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "dalle_model").rglob("*.py"))
        if path.name != "__init__.py"
    ]
    statement = (
        "sys.modules['apache_beam'] = None\nsys.modules['img2dataset'] = None\n"
        + "\n".join(f"import {module}" for module in modules)
    )
    assert "dalle_model.prior.model" in loaded_modules(statement)


def test_init_files_import_nothing():
    written = [p for package in PACKAGES for p in (ROOT / package).rglob("__init__.py")]
    assert len(written) > 10
    assert [str(p) for p in written if p.read_text().strip()] == []


def test_no_module_is_too_long():
    long = {
        str(path.relative_to(ROOT)): lines
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 450
    }
    assert long == {}

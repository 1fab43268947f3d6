"""The floors and doors of the house hold, and a planted violation of each is caught."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dalle", "pipelines", "dalle_model", "orchestration")
WIRING = {"transforms", "pipeline", "stage"}  # a stage imports its wiring when it runs


def beam_importers() -> set[str]:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)
    reached = graph.find_downstream_modules("apache_beam")
    return {m for m in reached if m.startswith(("pipelines.", "dalle_model."))}


def test_beam_is_reached_only_through_wiring():
    modules = beam_importers()
    assert "pipelines.io.transforms" in modules  # the graph sees Beam at all
    assert {m for m in modules if m.rsplit(".", 1)[-1] not in WIRING} == set()


# Contract -> a module to plant, and the line that breaks it.
VIOLATIONS = {
    "dalle -> orchestration -> pipelines -> dalle_model": [
        ("dalle_model/planted.py", "import pipelines.records\n"),
        ("pipelines/io/planted.py", "import orchestration.api\n"),
        ("orchestration/engine/planted.py", "import dalle\n"),
    ],
    "orchestration sees of a stage only its stage.py": [
        ("orchestration/engine/planted.py", "import pipelines.captions.recipe\n"),
        ("orchestration/cli/planted.py", "import pipelines.crawl.config\n"),
    ],
    "stages know no other stage, and what they share knows none": [
        ("pipelines/captions/planted.py", "import pipelines.fetch.config\n"),
        ("pipelines/images/planted.py", "import pipelines.dedupe.stage\n"),
        ("pipelines/io/planted.py", "import pipelines.crawl.config\n"),
        ("pipelines/text/planted.py", "import pipelines.captions.config\n"),
    ],
    "the ground floor knows no stage": [
        ("pipelines/io/planted.py", "import pipelines.stage\n"),
    ],
    "dalle_model runs without Beam or the crawler installed": [
        ("dalle_model/planted.py", "import apache_beam\n"),
    ],
    "only transforms.py and pipeline.py import Beam": [
        ("pipelines/captions/planted.py", "import apache_beam\n"),
    ],
    "the leaves import no torch": [("dalle_model/vocab.py", "import torch\n")],
    "models know nothing of training and sampling": [
        ("dalle_model/prior/planted.py", "import dalle_model.train.prior\n"),
    ],
}
PLANTED = [(name, *violation) for name, several in VIOLATIONS.items() for violation in several]


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


@pytest.fixture(scope="module")
def broken(copy) -> dict[str, str]:
    """What lint-imports says of each contract where all violations are planted at once."""
    files = {path: copy / path for _, path, _ in PLANTED}
    texts = {path: file.read_text() if file.exists() else None for path, file in files.items()}
    for _, path, line in PLANTED:
        file = copy / path
        file.write_text(line + (file.read_text() if file.exists() else ""))
    result = lint(copy)
    for path, text in texts.items():
        (copy / path).unlink() if text is None else (copy / path).write_text(text)
    assert result.returncode == 1
    sections = result.stdout.partition("Broken contracts")[2]
    starts = sorted((sections.index(f"\n{name}\n"), name) for name in VIOLATIONS)
    ends = [start for start, _ in starts[1:]] + [len(sections)]
    return {name: sections[start:end] for (start, name), end in zip(starts, ends, strict=True)}


@pytest.mark.parametrize(("contract", "path", "line"), PLANTED)
def test_a_planted_violation_is_caught(broken, contract, path, line):
    importer = path.removesuffix(".py").replace("/", ".")
    imported = line.removeprefix("import ").strip()
    assert f"{importer} -> {imported} (l." in broken[contract]


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


@pytest.mark.parametrize(
    "leaf", ["files", "shards", "pixels", "vocab", "config", "data.cache", "data.reader"]
)
def test_a_leaf_loads_without_torch(leaf):
    assert "torch" not in loaded_modules(f"import dalle_model.{leaf}")


def test_every_stage_loads_without_torch_and_beam():
    statement = "from orchestration.engine.registry import registry\nassert len(registry()) >= 10"
    loaded = loaded_modules(statement)
    assert "pipelines.encode.stage" in loaded
    assert loaded & {"torch", "apache_beam", "selectolax", "fastwarc", "ftfy"} == set()


def test_the_public_api_loads_nothing_until_it_is_used():
    heavy = {"torch", "apache_beam", "pyarrow", "numpy", "pydantic"}
    assert loaded_modules("import dalle") & heavy == set()
    assert loaded_modules("import dalle; dalle.run") & {"torch", "apache_beam"} == set()


def models() -> list[str]:
    """All modules of `dalle_model`."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "dalle_model").rglob("*.py"))
        if path.name != "__init__.py"
    ]


WITHOUT_BEAM = "sys.modules['apache_beam'] = None\nsys.modules['img2dataset'] = None\n"


def test_the_models_import_where_beam_is_not_installed():
    loaded = loaded_modules(WITHOUT_BEAM + "\n".join(f"import {module}" for module in models()))
    assert "dalle_model.prior.model" in loaded


def test_encoding_loads_no_compiler():
    """More CPU time than torch itself, for each process that encodes; training needs it anyway."""
    on_demand = {"dalle_model.prior.flex", "dalle_model.prior.uncompiled"}
    encoding = {m for m in models() if not m.startswith("dalle_model.train.")} - on_demand
    loaded = loaded_modules(
        WITHOUT_BEAM
        + "\n".join(f"import {module}" for module in sorted(encoding))
        + "\nwith dalle_model.threads.pinned_kernels():\n    pass"
    )
    assert loaded & {"torch._dynamo", "torch._inductor", "sympy"} == set()


def test_init_files_import_nothing():
    inner = [package for package in PACKAGES if package != "dalle"]  # the public door itself
    written = [p for package in inner for p in (ROOT / package).rglob("__init__.py")]
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

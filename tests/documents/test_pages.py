"""Every kind of source, every recipe and every command is shown by a snippet that works."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from orchestration import api
from orchestration.cli.main import app
from orchestration.engine.config_file import load_config
from pipelines.captions.recipe import known_recipes
from pipelines.crawl.discovery import inputs
from pipelines.crawl.inputs import read_input
from pipelines.crawl.readers.registry import kinds
from pipelines.rejection import Rejection
from tests.support.archives import gzip_records, http_record, wacz_of, wat_record
from tests.support.documents import ROOT, Snippet, section, snippets
from tests.support.sources import (
    Sample,
    samples,
    write_hf_parquet,
    write_image_folder,
    write_img2dataset_tar,
    write_laion_parquet,
    write_webdataset_tar,
)

DOCS = ROOT / "docs"
PAGE = b'<img src="a.jpg" alt="a red barn in the snow">'
LINK = {"path": "IMG@/src", "url": "a.jpg", "alt": "a red barn in the snow"}
RECORD = http_record("https://example.org/p", PAGE)
PAIRS = samples(4)


def mirror(path: Path, _pairs: list[Sample]) -> None:
    (path / "sub").mkdir(parents=True)
    (path / "sub" / "p.html").write_bytes(PAGE)
    (path / "sub" / "a.jpg").write_bytes(PAIRS[0].encoded)


def labelled(path: Path, pairs: list[Sample]) -> None:
    path.mkdir()
    rows = ["file_name,text,id,photographer"]
    for number, pair in enumerate(pairs):
        (path / f"{number}.png").write_bytes(pair.encoded)
        rows.append(f"{number}.png,{pair.caption},{number},Ada")
    (path / "metadata.csv").write_text("\n".join(rows))


def csv(path: Path, pairs: list[Sample]) -> None:
    path.write_text("link,words\n" + "".join(f"{p.url},{p.caption}\n" for p in pairs))


def write_to(content: bytes) -> Callable[[Path, list[Sample]], object]:
    return lambda path, _: path.write_bytes(content)


# What is at the paths that the page shows.
WRITERS: dict[str, Callable[[Path, list[Sample]], object]] = {
    "pages.warc.gz": write_to(gzip_records([RECORD])[0]),
    "CC-MAIN-00000.warc.wat.gz": write_to(
        gzip_records([wat_record("https://example.org/p", {"Links": [LINK]})])[0]
    ),
    "crawl.wacz": write_to(wacz_of({"archive/data.warc": RECORD})),
    "example.org/": mirror,
    "pairs.csv": csv,
    "laion.parquet": write_laion_parquet,
    "images.parquet": write_hf_parquet,
    "shards/*.tar": lambda path, pairs: write_webdataset_tar(path.parent / "0.tar", pairs),
    "img2dataset-output/": write_img2dataset_tar,
    "photos/": write_image_folder,
    "my-images/": labelled,
    "labelled.tar": write_webdataset_tar,
    "www.example.org/": mirror,
    "flowers.tar": write_webdataset_tar,
}


def shown_sources() -> list[Snippet]:
    """The configs of the page that read files, but for the first, which is of a store."""
    found = snippets("yaml", path=DOCS / "sources.md")
    return [
        snippet for snippet in found if "sources" in snippet.text and "s3://" not in snippet.text
    ]


def config_of(snippet: Snippet, folder: Path) -> Any:
    """The section `crawl` of a config that is shown, whose sources are there."""
    (folder / "dalle.yaml").write_text(snippet.text)
    for source in yaml.safe_load(snippet.text)["crawl"]["sources"]:
        place = folder / source["path"]
        place.parent.mkdir(exist_ok=True)
        WRITERS[source["path"]](place, PAIRS)
    return load_config(str(folder / "dalle.yaml")).crawl


@pytest.mark.parametrize("snippet", shown_sources(), ids=str)
def test_a_source_is_read_as_it_is_shown(snippet, tmp_path):
    config = config_of(snippet, tmp_path)
    for source in config.sources:
        found = [file for file, of in inputs(config) if of == source]
        rows = [row for file in found for row in read_input(file, source, config)]
        assert rows
        assert not [row for row in rows if isinstance(row, Rejection)]


def test_every_kind_of_source_is_shown(tmp_path):
    found = set()
    for snippet in shown_sources():
        folder = tmp_path / str(snippet.line)
        folder.mkdir()
        found |= {file.kind for file, _ in inputs(config_of(snippet, folder))}
    assert found == set(kinds())


def console(path: Path, heading: str) -> list[list[str]]:
    """The words of the lines of console below a heading."""
    lines = [line for line in section(path, heading).splitlines() if line.startswith("$ dalle")]
    return [shlex.split(line.removeprefix("$ dalle "), comments=True) for line in lines]


def test_each_recipe_is_tried_and_passes_the_text_that_is_shown():
    shown = console(DOCS / "recipes.md", "## Try a text")
    assert sorted(words[-1] for words in shown) == known_recipes()
    for name, text, _, recipe in shown:
        assert name == "explain"
        assert "FAIL" not in str(api.explain(text, recipe=recipe)), recipe


def test_each_command_is_shown():
    group = typer.main.get_command(app)
    shown = [words[0] for words in console(DOCS / "commands.md", "## Each command")]
    assert sorted(shown) == sorted(group.commands)  # type: ignore[attr-defined]

"""A first config for what somebody has: the stages say what is there, and what of it they take."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from dalle_model import files
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import all_stages
from pipelines.io.material import Material, in_one_line, line, quoted

PAIRS_OF_SHARD = 5000  # chosen: some thousand rows, so that a batch of the codec is rarely padded
MIN_SHARDS, MAX_SHARDS = 4, 10_000  # chosen: work for some processes; files that one folder holds


@dataclass(frozen=True)
class FirstConfig:
    """A config that was written for some material; `str()` is what the command prints.

    Args:
        url: of the file.
        found: what is at the path, in lines for a person.
        text: of the file.
    """

    url: str
    found: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        lines = [f"found    {self.found[0]}", *(f"         {line}" for line in self.found[1:])]
        return "\n".join([*lines, f"config   {self.url}"])


def write_first_config(
    path: str, url: str, columns: Mapping[str, str], *, replaces: bool = False
) -> FirstConfig:
    """Look at what is at a path, and write a config that runs it through all stages up to tokens.

    Args:
        path: a file, folder or glob, on a disk or in a store, or URL of a site.
        url: of the file to write.
        columns: names of columns by the setting of a source, where they cannot be told.
        replaces: whether a file that is there may be replaced.

    Raises:
        ConfigError: the file is there, or no stage reads such material.
        UsageError: nothing is at the path, nothing of a known kind, or a table without the columns
            that are needed.
    """
    if files.exists(url) and not replaces:
        raise ConfigError(f"{url} is there already; name another file with --out, or give --yes")
    folder = str(Path(files.local_path(url)).parent) if files.is_local(url) else ""
    material = _looked(path, _written(path, folder), columns)
    text = first_config(path, material)
    check_config(yaml.safe_load(text), str(Path(folder).resolve()))
    files.write_bytes(url, text.encode())
    return FirstConfig(url, material.found, text)


def config_for_tokens(path: str, codec: str, like: str = "") -> dict[str, Any]:
    """The config that takes every image at a path to tokens; relative paths count from here.

    Args:
        path: as of `write_first_config`.
        codec: name of a codec, or its URL.
        like: URL of token shards whose rows and crops are taken; empty for none.

    Raises:
        ConfigError: no stage reads such material.
        UsageError: as `write_first_config`, or the codec cannot be used.
    """
    material = replace(_looked(path, path, {}), codec=codec, keeps_all=True, like=like)
    values: dict[str, Any] = yaml.safe_load(first_config(path, material))
    return values


def _looked(path: str, written: str, columns: Mapping[str, str]) -> Material:
    looks = next((stage.looks for stage in all_stages() if stage.looks is not None), None)
    if looks is None:
        raise ConfigError("no stage that is installed reads sources; install `dalle` anew")
    try:
        return looks(path, written, columns)
    except ValueError as error:  # an address that is none
        raise ConfigError(f"{path[:200]}: {error}") from error


def first_config(path: str, material: Material) -> str:
    """The config for some material, as YAML with comments."""
    num_shards = min(max(MIN_SHARDS, -(-material.num_pairs // PAIRS_OF_SHARD)), MAX_SHARDS)
    shown = in_one_line(files.printable(path))
    top = [
        f"# Made by `dalle init` for {shown}.",
        "# Relative paths count from this file. `dalle config` lists all settings.",
        line(f"name: {quoted(_name(path))}", "of the run, and of its directory below runs/"),
        line(
            f"num_shards: {num_shards}", f"fixed for a run; here about {material.num_pairs:,} pairs"
        ),
    ]
    sections = (stage.begins(material) for stage in all_stages())
    return "\n".join(top) + "\n" + "".join(f"\n{one}\n" for one in sections if one)


def _written(path: str, folder: str) -> str:
    """The path as a config in a folder says it: relative for what is in that folder."""
    if files.is_url(path):
        return path
    full, root = Path(files.local_path(path)), Path(files.local_path(folder))
    return str(full.relative_to(root)) if full.is_relative_to(root) else str(full)


def _name(path: str) -> str:
    """A name for the run, after the last part of the path."""
    last = re.sub(r"^\w+://", "", path).rstrip("/").rpartition("/")[2]
    stem = last.partition(".")[0] if not re.match(r"https?://[^/]*/?$", path) else last
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "run"

"""Short captions in many languages, each with its language."""

from pathlib import Path


def spoken_table() -> list[tuple[str, str]]:
    """Language and text of each."""
    lines = Path(__file__).with_name("spoken.tsv").read_text("utf-8").splitlines()
    return [(language, text) for language, _, text in (line.partition("\t") for line in lines)]

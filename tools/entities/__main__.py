"""Makes the two bundled word files again, from the packages named in `SOURCES.md`.

    python -m tools.entities \
        --wordnet DIR --geonames DIR --census DIR [--out DIR]

The same packages give the same bytes.
"""

import argparse
import gzip
from collections.abc import Mapping
from pathlib import Path

from pipelines.text.entities.graph import ENTITIES_PATH, NAMES_PATH
from tools.entities.geonames import cities, countries
from tools.entities.names import census, name_parts
from tools.entities.table import joined, named_in_wordnet, with_lower_case
from tools.entities.wordnet import common_words, read_synsets
from tools.entities.written import written_here

_NUM_SURNAMES = 12_000  # chosen: 73 % of the people of the census


def main() -> None:
    """Write both files."""
    paths = _arguments()
    synsets, words = read_synsets(paths.wordnet / "data.noun"), common_words(paths.wordnet)
    given = census(paths.census, "dist.male.first", "dist.female.first")
    surnames = census(paths.census, "dist.all.last")[:_NUM_SURNAMES]
    entities = joined(
        countries(paths.geonames),
        written_here(),
        named_in_wordnet(synsets, words, {*given}, {*surnames}),
        cities(paths.geonames, words, frozenset(given)),
    )
    names = name_parts(paths.wordnet, synsets, words, given, surnames)
    _write(paths.out / ENTITIES_PATH.name, with_lower_case(entities, words))
    _write(paths.out / NAMES_PATH.name, names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of data.noun")
    parser.add_argument("--geonames", type=Path, required=True, help="folder of countries.json")
    parser.add_argument("--census", type=Path, required=True, help="folder of dist.all.last")
    parser.add_argument("--out", type=Path, default=ENTITIES_PATH.parent)
    return parser.parse_args()


def _write(path: Path, rows: Mapping[str, str]) -> None:
    text = "".join(f"{name}\t{kind}\n" for name, kind in sorted(rows.items()))
    path.write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))


if __name__ == "__main__":
    main()

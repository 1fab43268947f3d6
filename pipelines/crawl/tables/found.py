"""Which columns of a table are read, by the names that a person knows them by."""

from collections.abc import Sequence
from typing import NamedTuple

from pipelines.crawl.readers import parquet as parquet_reader
from pipelines.crawl.readers.registry import reader_for
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.streams import OpenInput
from pipelines.crawl.tables import parquet, text
from pipelines.crawl.tables.columns import NAMES, Columns


class FoundColumns(NamedTuple):
    """The columns of a table.

    Args:
        chosen: by the setting of a source that would name it: a name, or a number from 0.
        names: of all; none where they have none.
    """

    chosen: dict[str, str | int]
    names: list[str]


def columns_in(file: InputFile, source: Source) -> FoundColumns:
    """The columns that are read of a table, which need not have any of captions.

    Raises:
        ColumnError: as the readers.
    """
    with OpenInput(file) as opened:
        is_parquet = reader_for(opened) is parquet_reader.READER
        find = parquet.find_columns if is_parquet else text.find_columns
        columns, names = find(opened.stream, file.location, source)
    return FoundColumns(_by_setting(columns, names), list(names))


def _by_setting(columns: Columns, names: Sequence[str]) -> dict[str, str | int]:
    places = {setting: getattr(columns, setting.removesuffix("_column")) for setting in NAMES}
    places["image_column"] = columns.image
    return {
        setting: names[place] if names else place
        for setting, place in places.items()
        if place is not None
    }

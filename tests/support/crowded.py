"""What a crawl keeps of rows: a slow reference, which holds them all."""

from collections.abc import Sequence
from itertools import groupby

from dalle_model.shards import image_of
from pipelines.records import Candidate

Row = tuple[str, str, str, float | None, float | None]  # key, page, reason, measured, threshold


def expected(rows: Sequence[Candidate], most: int | None) -> list[Row]:
    """Every row with what becomes of it; the reason of one that is kept is empty."""
    found: list[Row] = []
    for _, of_image in groupby(sorted(rows), lambda row: image_of(row.key)):
        captions = [list(copies) for _, copies in groupby(of_image, lambda row: row.key)]
        for number, (first, *others) in enumerate(captions):
            if most is not None and number >= most:
                measured, limit = float(len(captions)), float(most)
                found += [
                    (row.key, row.page_url, "too_many_captions", measured, limit)
                    for row in (first, *others)
                ]
                continue
            found.append((first.key, first.page_url, "", None, None))
            found += [(row.key, row.page_url, "duplicate_pair", None, None) for row in others]
    return sorted(found, key=repr)

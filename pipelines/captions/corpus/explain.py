"""Every check of a row of the stage's output, those over all data included.

What is counted is not stored, but for rows that it drops. Of a kept row the pictures of its text
are counted again, in one column of the stage's shards; n-grams and types would mean all the work
again, so of these it is said only that they are within the limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import IMAGE_DIGITS, image_of
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.corpus.images import IMAGE_WITH_MANY_TEXTS
from pipelines.captions.corpus.rules import TEXT_OF_MANY_IMAGES
from pipelines.captions.funnel import batch_of, judge
from pipelines.captions.recipe import load_funnel
from pipelines.captions.shard import explain, read_texts
from pipelines.io.keys import shard_of
from pipelines.io.parquet import read_table
from pipelines.io.task import StageTask
from pipelines.rejection import Check

NOT_COUNTED = "counted over all data"
NOT_STORED = "within the limit; the value is not stored"


def explain_row(task: StageTask, row: Mapping[str, Any], config: CaptionsConfig) -> list[Check]:
    """The checks of a row in the funnel's order, as its shards show them.

    Args:
        task: the finished stage; of it only root, name and number of shards are looked at.
        row: kept, with `raw_caption`; or dropped, with `reason`.
        config: with which the row was judged.
    """
    alone = explain(row.get("raw_caption", row["caption"]), config)
    checks = [_with_its_image(task, row, c) if _is_of_image(c) else c for c in alone]
    limits = load_funnel(config.recipe, config.overrides).data
    return [*checks, *_over_data(task, row, limits)]


def explain_text(raw: str, config: CaptionsConfig) -> tuple[list[Check], str]:
    """Every check of a text that need not be in any data, and what the recipe makes of the text.

    The text is that of before the rules where it is dropped.
    """
    funnel = load_funnel(config.recipe, config.overrides)
    checks = explain(raw, config)
    checks += [Check(name, True, None, limit, NOT_COUNTED) for name, limit in funnel.data.items()]
    kept = judge(batch_of(raw, funnel), funnel).texts.to_pylist()
    return checks, kept[0] if kept else raw


def images_of_text(captions: pa.Table, text: str) -> set[str]:
    """The pictures that keep a text, of the columns `key` and `caption` of a shard."""
    keys = captions.filter(pc.equal(captions["caption"], text))["key"]
    return set(pc.utf8_slice_codeunits(keys, 0, IMAGE_DIGITS).to_pylist())


def _is_of_image(check: Check) -> bool:
    return check.reason == IMAGE_WITH_MANY_TEXTS.name


def _with_its_image(task: StageTask, row: Mapping[str, Any], check: Check) -> Check:
    """The check on how many texts a picture has, which the caption alone cannot tell."""
    texts = read_texts(task, shard_of(row["key"], task.num_shards))
    is_same = pc.starts_with(texts["key"], image_of(row["key"]))
    measured = float(pc.sum(is_same).as_py())
    is_within = check.threshold is None or measured <= check.threshold
    return replace(check, passed=is_within, measured=measured)


def _over_data(
    task: StageTask, row: Mapping[str, Any], limits: Mapping[str, float]
) -> Iterator[Check]:
    reason = row.get("reason")
    if reason is not None and reason not in limits:
        return  # dropped before anything was counted
    for name, limit in limits.items():
        if name == reason:
            yield Check(name, False, row["measured"], row["threshold"], row["detail"])
            return
        if name == TEXT_OF_MANY_IMAGES and reason is None:
            yield Check(name, True, float(_num_images(task, row["caption"])), limit)
        else:
            yield Check(name, True, None, limit, NOT_STORED)


def _num_images(task: StageTask, text: str) -> int:
    """A picture lies in one shard, so the shards' pictures add up."""
    shards = (read_table(task.part(n), ["key", "caption"]) for n in range(task.num_shards))
    return sum(len(images_of_text(shard, text)) for shard in shards)

"""The rules of the stage, applied again to a row that it kept or dropped."""

from pipelines.rejection import Check
from pipelines.similarity.config import BELOW_MIN, NO_SCORE, NOT_BEST, REASONS, SimilarityConfig
from pipelines.similarity.languages import languages_of
from pipelines.stage import Row


def checks_of(row: Row, config: SimilarityConfig) -> list[Check]:
    """Every check of a row, up to that which dropped it.

    The score of the last row that is kept is stored with the rows behind it alone, so the check of
    a row that is among the best has no limit.

    Args:
        row: kept, with its score; or dropped, with `reason`.
        config: by which the row was judged.
    """
    reason = row.get("reason", "")
    if reason and reason not in REASONS:
        return []  # of a rule that is no longer there
    score = row["measured"] if reason else row[config.column]
    checks = []
    (language,) = languages_of([row["caption"]], config.languages)
    least = config.least(language)
    if reason != NO_SCORE and least is not None:
        detail = language if config.languages else ""
        checks = [Check(BELOW_MIN, reason != BELOW_MIN, score, least, detail)]
    if reason in (NO_SCORE, NOT_BEST):
        return [*checks, Check(reason, False, score, row["threshold"], row["detail"])]
    if config.keep is not None and not reason:
        checks.append(Check(NOT_BEST, True, score, None, f"of the best {100 * config.keep:g} %"))
    return checks

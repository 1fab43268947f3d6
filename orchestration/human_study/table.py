"""A counted study as a terminal shows it."""

from orchestration.human_study.dropping import QUESTIONS, RaterFacts
from orchestration.human_study.tally import OUTCOMES, UNDECIDED, Question, Share, Tally

_WIDTH = 26  # characters of a cell; the widest is `100.0 % [56.6, 100.0]`


def table(tally: Tally) -> str:
    """Shares with their intervals, agreement, raters, and the same without who is dropped."""
    head = f"{tally.complete:,} of {tally.tasks:,} tasks have {tally.votes} votes, and are counted"
    dropped = [f"dropped: {rater}, {why}" for rater, why in tally.dropped.items()]
    parts = [
        _questions("majority", tally.models, tally.all_raters) if tally.complete else [],
        _raters(tally.raters) if tally.raters else [],
        dropped or ["dropped: nobody"],
        _questions("without", tally.models, tally.kept_raters) if tally.kept_raters else [],
    ]
    return "\n\n".join([head, *("\n".join(part) for part in parts if part)])


def _questions(head: str, models: tuple[str, str], questions: dict[str, Question]) -> list[str]:
    named = {"a": models[0], "b": models[1], "neither": "neither", UNDECIDED: UNDECIDED}
    width = max(len(name) for name in ("agreement", *named.values())) + 2
    rows = [_row(head, width, list(QUESTIONS))]
    for end in OUTCOMES["caption"]:
        cells = [_share(questions[name].shares.get(end)) for name in QUESTIONS]
        rows.append(_row(named[end], width, cells))
    rows.append(_row("agreement", width, [_agreement(questions[name]) for name in QUESTIONS]))
    return rows


def _row(head: str, width: int, cells: list[str]) -> str:
    return (head.ljust(width) + "".join(cell.ljust(_WIDTH) for cell in cells)).rstrip()


def _share(share: Share | None) -> str:
    if share is None:
        return "-"
    return f"{share.share:.1%} [{100 * share.low:.1f}, {100 * share.high:.1f}]"


def _agreement(question: Question) -> str:
    if question.pairwise is None:
        return "-"
    kappa = "-" if question.kappa is None else f"{question.kappa:.2f}"
    return f"{question.pairwise:.1%}, kappa {kappa}"


def _raters(raters: list[RaterFacts]) -> list[str]:
    rows = ["rater  tasks  median s  fast  against the others  on the left"]
    for one in raters:
        against = "-" if one.disagreement is None else f"{one.disagreement:.0%}"
        rows.append(
            f"{one.rater:<5}{one.tasks:>7,}{one.seconds:>10.1f}{one.fast_share:>6.0%}"
            f"{against:>20}{one.left_share:>13.0%}"
        )
    return rows

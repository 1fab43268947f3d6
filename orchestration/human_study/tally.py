"""Counts a study: whom the majority prefers, how sure that is, and whose votes are left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.human_study.agreement import fleiss_kappa, majority, pairwise, wilson
from orchestration.human_study.dropping import (
    QUESTIONS,
    DropRule,
    RaterFacts,
    answer,
    facts_of,
    why_dropped,
)
from orchestration.human_study.study import Study
from orchestration.human_study.votes import Standing, Vote

UNDECIDED = "no majority"
OUTCOMES = {"realism": ("a", "b", UNDECIDED), "caption": ("a", "b", "neither", UNDECIDED)}

Votes = Mapping[str, Sequence[Vote]]  # by task


@dataclass(frozen=True)
class Share:
    """Tasks that ended in one way.

    Args:
        tasks: how many.
        share: of all that are counted, 0..1.
        low: end of the 95 % interval of the share, over captions.
        high: its other end.
    """

    tasks: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Question:
    """One question over all tasks that are counted.

    Args:
        shares: by outcome: a model, `neither`, or `no majority`.
        pairwise: share of equal answers among pairs of raters.
        kappa: of Fleiss.
    """

    shares: dict[str, Share]
    pairwise: float | None
    kappa: float | None


@dataclass(frozen=True)
class Tally:
    """A study, counted.

    Args:
        models: what people call `a` and `b`.
        tasks: of the study.
        complete: those with as many votes as it needs, which are counted.
        votes: of each task.
        all_raters: both questions, with every rater.
        raters: what is seen of each.
        dropped: names of those left out, and why.
        kept_raters: both questions without them; None where nobody is dropped.
    """

    models: tuple[str, str]
    tasks: int
    complete: int
    votes: int
    all_raters: dict[str, Question]
    raters: list[RaterFacts]
    dropped: dict[str, str] = field(default_factory=dict)
    kept_raters: dict[str, Question] | None = None

    def __str__(self) -> str:
        from orchestration.human_study.table import table

        return table(self)


def tally_votes(
    study: Study, standing: Standing, rule: DropRule, without: Sequence[str] = ()
) -> Tally:
    """Count the votes of a study.

    Args:
        study: whose votes they are.
        standing: the votes that count.
        rule: who is dropped.
        without: names of raters who are dropped besides.
    """
    by_task = first_votes(study, standing)
    complete = {task: votes for task, votes in by_task.items() if len(votes) == study.votes}
    facts = facts_of(by_task, rule)
    dropped = dict.fromkeys(without, "asked for")
    dropped |= {f.rater: why for f in facts if (why := why_dropped(f, rule))}
    kept = {task: [v for v in of if v.rater not in dropped] for task, of in complete.items()}
    return Tally(
        models=study.models,
        tasks=len(study.tasks),
        complete=len(complete),
        votes=study.votes,
        all_raters=_questions(complete),
        raters=facts,
        dropped=dropped,
        kept_raters=_questions(kept) if dropped else None,
    )


def first_votes(study: Study, standing: Standing) -> dict[str, list[Vote]]:
    """The first votes on each task, no more than it needs: two raters may complete one at once."""
    found: dict[str, list[Vote]] = {task.id: [] for task in study.tasks}
    every = (vote for theirs in standing.values() for vote in theirs.values())
    for vote in sorted(every, key=lambda vote: vote.at):
        if vote.task in found and len(found[vote.task]) < study.votes:
            found[vote.task].append(vote)
    return found


def _questions(votes: Votes) -> dict[str, Question]:
    return {name: _question(votes, name) for name in QUESTIONS}


def _question(votes: Votes, name: str) -> Question:
    answers = [[answer(vote, name) for vote in of_task] for of_task in votes.values()]
    ends = Counter(majority(of_task) or UNDECIDED for of_task in answers)
    total = len(answers)
    shares = {
        end: Share(ends[end], ends[end] / total if total else 0.0, *wilson(ends[end], total))
        for end in OUTCOMES[name]
    }
    return Question(shares, pairwise(answers), fleiss_kappa(answers))

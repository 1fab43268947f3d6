"""Which raters are dropped: those who answer fast and against the others.

Source: Ramesh et al. 2021, appendix F: one worker was disqualified for a high rate of disagreement
with the others together with many submission times under 4 seconds. What is high and what is many
is not published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from orchestration.human_study.agreement import majority
from orchestration.human_study.study import MODELS
from orchestration.human_study.votes import Vote

QUESTIONS = ("realism", "caption")


def answer(vote: Vote, question: str) -> str:
    """What a vote that counts says to a question."""
    return str(getattr(vote.answers, question))


@dataclass(frozen=True)
class DropRule:
    """Who is dropped: all three must hold.

    Args:
        fast_s: an answer in fewer seconds is a fast one. Source: as above.
        fast_share: of a rater's answers, that are fast at least. chosen: "many" is half of them.
        disagreement: share of a rater's answers that differ from the majority of the others, at
            least. chosen: who presses keys at random is at half or above, since the others'
            majority is one of two answers, or of three.
        min_tasks: that a rater has judged. chosen: of fewer a share says little.
    """

    fast_s: float = 4.0
    fast_share: float = 0.5
    disagreement: float = 0.4
    min_tasks: int = 10


@dataclass(frozen=True)
class RaterFacts:
    """What is seen of a rater.

    Args:
        rater: their name.
        tasks: that they have judged.
        fast_share: of these, in fewer seconds than the rule's.
        seconds: median of a task.
        disagreement: share of answers that differ from the majority of the others; None where there
            is nothing to compare with.
        left_share: of their answers that name an image, those that named the one on the left.
    """

    rater: str
    tasks: int
    fast_share: float
    seconds: float
    disagreement: float | None
    left_share: float


def facts_of(votes: Mapping[str, Iterable[Vote]], rule: DropRule) -> list[RaterFacts]:
    """What is seen of each rater, by name.

    Args:
        votes: those that count, by task.
        rule: says what is fast.
    """
    given: dict[str, list[tuple[Vote, list[Vote]]]] = {}
    for of_task in map(list, votes.values()):
        for vote in of_task:
            others = [other for other in of_task if other is not vote]
            given.setdefault(vote.rater, []).append((vote, others))
    return [_facts(rater, given[rater], rule) for rater in sorted(given, key=_by_number)]


def why_dropped(facts: RaterFacts, rule: DropRule) -> str | None:
    """Why a rater is dropped; None where they are kept."""
    if facts.disagreement is None or facts.tasks < rule.min_tasks:
        return None
    if facts.fast_share < rule.fast_share or facts.disagreement < rule.disagreement:
        return None
    return (
        f"{facts.fast_share:.0%} of {facts.tasks} tasks in under {rule.fast_s:g} s, and "
        f"{facts.disagreement:.0%} of answers against the others"
    )


def _facts(rater: str, given: list[tuple[Vote, list[Vote]]], rule: DropRule) -> RaterFacts:
    seconds = [vote.answers.seconds for vote, _ in given if vote.answers]
    differs = [differs for vote, others in given for differs in _differs(vote, others)]
    is_left = [is_left for vote, _ in given for is_left in _is_left(vote)]
    return RaterFacts(
        rater=rater,
        tasks=len(given),
        fast_share=sum(s < rule.fast_s for s in seconds) / len(seconds),
        seconds=median(seconds),
        disagreement=sum(differs) / len(differs) if differs else None,
        left_share=sum(is_left) / len(is_left),
    )


def _differs(vote: Vote, others: list[Vote]) -> list[bool]:
    """For each question on which others have a majority, whether a vote is against it.

    One other alone is no majority: it may be the one in error.
    """
    if len(others) < 2:
        return []
    most = {name: majority([answer(other, name) for other in others]) for name in QUESTIONS}
    return [answer(vote, name) != theirs for name, theirs in most.items() if theirs]


def _is_left(vote: Vote) -> list[bool]:
    """For each question that was answered by an image, whether it was that on the left."""
    given = [answer(vote, name) for name in QUESTIONS]
    return [model == vote.left for model in given if model in MODELS]


def _by_number(rater: str) -> tuple[int, str]:
    return len(rater), rater

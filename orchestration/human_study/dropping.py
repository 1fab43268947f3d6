"""Which raters are dropped: those who answer fast and against the others.

Source: Ramesh et al. 2021, appendix F: one worker was disqualified for a high rate of disagreement
with the others together with many submission times under 4 seconds. What is high and what is many
is not published.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from orchestration.human_study.agreement import majority
from orchestration.human_study.votes import Answers, Vote

QUESTIONS = ("realism", "caption")


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
    seconds = [_answers(vote).seconds for vote, _ in given]
    differs, is_left = [], []
    for vote, others in given:
        for question in QUESTIONS:
            answer = getattr(_answers(vote), question)
            most = majority([getattr(_answers(other), question) for other in others])
            differs += [] if most is None else [answer != most]
            is_left += [] if answer == "neither" else [answer == vote.left]
    return RaterFacts(
        rater=rater,
        tasks=len(given),
        fast_share=sum(s < rule.fast_s for s in seconds) / len(seconds),
        seconds=median(seconds),
        disagreement=sum(differs) / len(differs) if differs else None,
        left_share=sum(is_left) / len(is_left),
    )


def _answers(vote: Vote) -> Answers:
    assert vote.answers is not None  # what was taken back does not count
    return vote.answers


def _by_number(rater: str) -> tuple[int, str]:
    return len(rater), rater

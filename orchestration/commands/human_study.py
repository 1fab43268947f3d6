"""The commands `dalle evaluate human …`: two models compared by people, after the paper.

In Python they are `dalle.human_study.make` and so on.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.human_study.making import MadeStudy
    from orchestration.human_study.server import Serving
    from orchestration.human_study.tally import Tally


def make(
    first: str,
    second: str,
    out: str,
    *,
    captions: str = "",
    number: int = 1000,
    votes: int = 5,
    seed: int = 0,
) -> "MadeStudy":
    """Make a study of the samples that two models drew for the same captions.

    Args:
        first: folder of the samples of one model, each with its caption.
        second: the same of the other.
        out: folder to write the study to.
        captions: table of `file` and `caption` for both, where the folders have none.
        number: of comparisons at most; captions are drawn by the seed.
        votes: distinct raters for each comparison.
        seed: decides captions, order and sides.

    Raises:
        StudyError: the folders do not go together, or the study cannot be written.
    """
    from orchestration.human_study.making import Asked, make_study

    return make_study(first, second, out, Asked(number, votes, seed, captions))


def serve(study: str, *, raters: int = 5, host: str = "127.0.0.1", port: int = 0) -> "Serving":
    """Open a study to raters: a `with` block serves it, and `links` has the address of each.

    Args:
        study: its folder.
        raters: who are given a link, at least; those of earlier calls stay.
        host: address to listen at; only this machine reaches the default.
        port: to listen at; 0 for that of the last time, else any.

    Raises:
        StudyError: there is no study, another server serves it, or the port is taken.
        VotesError: its votes are damaged.
    """
    from orchestration.human_study.server import Serving

    return Serving(study, raters, host, port)


def tally(
    study: str,
    *,
    without: Sequence[str] = (),
    fast_s: float = 4.0,
    fast_share: float = 0.5,
    disagreement: float = 0.4,
    min_tasks: int = 10,
) -> "Tally":
    """Count the votes of a study, also while it is served.

    A rater is dropped who is fast, disagrees with the others, and has judged enough tasks.

    Args:
        study: its folder.
        without: raters who are dropped besides.
        fast_s: seconds below which an answer is fast.
        fast_share: share of fast answers, at least.
        disagreement: share of answers against the majority of the others, at least.
        min_tasks: tasks judged, at least.

    Raises:
        StudyError: there is no study.
        VotesError: its votes are damaged.
    """
    from orchestration.human_study.dropping import DropRule
    from orchestration.human_study.study import StudyError, StudyFolder, read_study
    from orchestration.human_study.tally import tally_votes
    from orchestration.human_study.votes import read_votes, stand

    folder = StudyFolder(study)
    of = read_study(folder)
    standing = stand(read_votes(folder.votes))
    if unknown := sorted(set(without) - standing.keys()):
        known = ", ".join(sorted(standing)) or "none yet"
        raise StudyError(f"no rater {unknown[0]!r} has voted; there are {known}")
    rule = DropRule(fast_s, fast_share, disagreement, min_tasks)
    return tally_votes(of, standing, rule, without)

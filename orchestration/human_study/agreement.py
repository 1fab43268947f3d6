"""What many votes say, and how far they agree: majorities, agreement of pairs, kappa, intervals."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt

Z_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def majority(answers: Sequence[str]) -> str | None:
    """The answer that more than half have given; None where there is none."""
    if not answers:
        return None
    answer, count = Counter(answers).most_common(1)[0]
    return answer if 2 * count > len(answers) else None


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share, by the score test; the whole of [0, 1] where nothing was tried.

    Source: Wilson 1927; Newcombe 1998, "Two-sided confidence intervals for the single proportion",
    method 3.
    """
    if trials == 0:
        return 0.0, 1.0
    share, z2 = successes / trials, Z_95**2
    middle = share + z2 / (2 * trials)
    reach = Z_95 * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    low, high = ((middle + sign * reach) / (1 + z2 / trials) for sign in (-1, 1))
    return max(0.0, low), min(1.0, high)


def pairwise(subjects: Iterable[Sequence[str]]) -> float | None:
    """The share of equal answers among all pairs of raters of one subject, as a mean over subjects.

    Args:
        subjects: the answers that each was given; those with fewer than two do not count.

    Returns:
        0..1; None where no subject has two answers.

    Source: Fleiss 1971, "Measuring nominal scale agreement among many raters", equation 2 and 3.
    """
    shares = [
        sum(n * (n - 1) for n in Counter(answers).values()) / (len(answers) * (len(answers) - 1))
        for answers in subjects
        if len(answers) > 1
    ]
    return sum(shares) / len(shares) if shares else None


def fleiss_kappa(subjects: Iterable[Sequence[str]]) -> float | None:
    """How far agreement exceeds what answers given at random in the same shares would have.

    Fleiss has as many raters for each subject; where a rater was dropped, chance is that of all
    answers together.

    Args:
        subjects: as `pairwise` takes them.

    Returns:
        1 at most, 0 for chance; None where no subject has two answers, or all answers are one.

    Source: Fleiss 1971, equation 4 to 7.
    """
    counted = [answers for answers in subjects if len(answers) > 1]
    observed = pairwise(counted)
    if observed is None:
        return None
    shares = Counter(answer for answers in counted for answer in answers)
    chance = sum((n / shares.total()) ** 2 for n in shares.values())
    return None if len(shares) == 1 else (observed - chance) / (1 - chance)

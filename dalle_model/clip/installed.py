"""Scorers of other packages: named by an entry point, known in every process that scores.

    [project.entry-points."dalle.scorers"]
    mine = "my_package.scorer:MyScorer"

`mine` is then the name of a scorer, and `mine:URL` the same made with that URL. What it makes is
any object with `score(images, captions)`: `dalle_model.clip.scorer.Scorer`.
"""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from dalle_model import files
from dalle_model.clip.scorer import Scorer, ScorerError
from dalle_model.tokenizers.installed import split_name

SCORERS = "dalle.scorers"


@dataclass(frozen=True)
class InstalledScorer:
    """A scorer of another package.

    Args:
        point: its entry point.
        url: what it is made with; None for nothing.
    """

    point: EntryPoint
    url: str | None

    def __str__(self) -> str:
        return f"the entry {self.point.name!r} ({self.point.value}) of {SCORERS}"

    def make(self) -> Scorer:
        """The scorer.

        Raises:
            ScorerError: it cannot be imported or made, or is no scorer.
        """
        try:
            make = self.point.load()
            scorer: Scorer = make() if self.url is None else make(self.url)
        except Exception as error:  # whatever another package raises
            raise ScorerError(f"{self} makes no scorer: {error!r}; fix or uninstall it") from error
        if not callable(getattr(scorer, "score", None)):
            raise ScorerError(f"{self} makes an object without `score(images, captions)`")
        return scorer

    def facts(self) -> dict[str, str]:
        """The version of its package, and the digest of the file at its URL, if there is one."""
        package = self.point.dist
        version = "unknown" if package is None else f"{package.name} {package.version}"
        facts = {"scorer": f"{version} ({self.point.value})"}
        if self.url is not None and files.exists(self.url):
            facts["scorer_weights"] = files.sha256_of(self.url)
        return facts


def find_scorer(name: str) -> InstalledScorer | None:
    """The entry point that a scorer's name means, if an installed package has it."""
    point, url = split_name(name)
    for found in entry_points(group=SCORERS, name=point) if point else ():
        return InstalledScorer(found, url)
    return None

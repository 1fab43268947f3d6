"""The raters of a study: a name, and the secret of the link by which each is known.

They are called `r1` and so on: who they are is known to who sends the links alone.
"""

import secrets

from pydantic import BaseModel, ConfigDict, ValidationError

from dalle_model import files
from orchestration.human_study.study import StudyError, StudyFolder

_SECRET_BYTES = 16  # chosen: 128 bits, as RFC 9562 has for what nobody may guess


class Links(BaseModel):
    """What the links of a study are made of; kept, so that those that were sent stay good.

    Args:
        secrets: by rater.
        port: at which the study was served last; 0 where it was not.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: dict[str, str] = {}
    port: int = 0

    def with_raters(self, number: int) -> "Links":
        """The same with new raters, until there are so many."""
        added = range(len(self.secrets) + 1, number + 1)
        new = {f"r{n}": secrets.token_urlsafe(_SECRET_BYTES) for n in added}
        return self.model_copy(update={"secrets": self.secrets | new})


def read_links(folder: StudyFolder) -> Links:
    """The links of a study; none where it was never served.

    Raises:
        StudyError: the file is damaged.
    """
    if not folder.raters.is_file():
        return Links()
    try:
        return Links.model_validate_json(folder.raters.read_bytes())
    except ValidationError as error:
        raise StudyError(
            f"{folder.raters}: not a file of raters; delete it, and send everybody a new link"
        ) from error


def write_links(folder: StudyFolder, links: Links) -> None:
    """Keep them, for the owner's eyes alone."""
    files.write_json(str(folder.raters), links.model_dump())
    folder.raters.chmod(0o600)

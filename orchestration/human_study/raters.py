"""The raters of a study: a name, and the secret of the link by which each is known."""

import secrets

from pydantic import BaseModel, ConfigDict, ValidationError

from dalle_model import files
from orchestration.human_study.study import StudyError, StudyFolder

_SECRET_BYTES = 16  # chosen: 128 bits, as RFC 9562 has for what nobody may guess


class _Raters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    secrets: dict[str, str]


def raters_of(folder: StudyFolder, number: int) -> dict[str, str]:
    """The raters by their secrets; new ones are added until there are so many.

    They are called `r1` and so on: who they are is known to who sends the links alone.

    Raises:
        StudyError: the file of raters is damaged.
    """
    known = _read(folder)
    added = {
        f"r{n}": secrets.token_urlsafe(_SECRET_BYTES) for n in range(len(known) + 1, number + 1)
    }
    if added:
        known |= added
        files.write_json(str(folder.raters), {"secrets": known})
        folder.raters.chmod(0o600)
    return {secret: rater for rater, secret in known.items()}


def _read(folder: StudyFolder) -> dict[str, str]:
    if not folder.raters.is_file():
        return {}
    try:
        return _Raters.model_validate_json(folder.raters.read_bytes()).secrets
    except ValidationError as error:
        raise StudyError(
            f"{folder.raters}: not a file of raters; delete it, and send everybody a new link"
        ) from error

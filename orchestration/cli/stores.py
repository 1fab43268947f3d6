"""Says in a line what is wrong with an object store: its library, its keys, its bucket, its host.

Each store raises errors of its own libraries, which are known here by their names alone.
"""

from collections.abc import Sequence

from orchestration.cli.extras import describe_missing

_S3_KEYS = (
    "no credentials for s3://: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, "
    "or write them to ~/.aws/credentials"
)
_GCS_KEYS = (
    "no credentials for gs://: run `gcloud auth application-default login`, or set "
    "GOOGLE_APPLICATION_CREDENTIALS to a key file"
)
# By the class of the error. Sources: botocore.exceptions, google.auth.exceptions, gcsfs.retry.
_BY_CLASS = {
    "NoCredentialsError": _S3_KEYS,
    "PartialCredentialsError": _S3_KEYS,
    "ProfileNotFound": _S3_KEYS,
    "DefaultCredentialsError": _GCS_KEYS,
    "EndpointConnectionError": "the object store cannot be reached: {error}; check the endpoint",
    "ConnectTimeoutError": "the object store cannot be reached: {error}; check the network",
    "ClientError": "the object store refused: {error}",
    "HttpError": "the object store refused: {error}",
}
# What S3 answers, as s3fs passes it on in an `OSError`. Source: s3fs/errors.py.
_REFUSALS = ("Access Denied", "AccessDenied", "Forbidden", "InvalidAccessKeyId")
_NO_BUCKET = ("bucket does not exist", "NoSuchBucket")


def describe_store(chain: Sequence[BaseException]) -> str:
    """What to do about an error of an object store; empty where it is another.

    Args:
        chain: the error and its causes.
    """
    for cause in chain:
        if said := _describe(cause):
            return said
    return ""


def _describe(error: BaseException) -> str:
    text, kind = str(error)[:300], type(error).__name__
    if kind in _BY_CLASS:
        return _BY_CLASS[kind].format(error=text)
    if isinstance(error, ImportError):
        return _missing_library(error)
    if isinstance(error, PermissionError) and any(word in text for word in _REFUSALS):
        return f"the object store refused access ({text}): check the keys, and what they may do"
    if isinstance(error, FileNotFoundError) and any(word in text for word in _NO_BUCKET):
        return f"there is no such bucket ({text}): make it, or correct its name"
    return ""


def _missing_library(error: ImportError) -> str:
    """The library that fsspec asks for; of those that an extra brings, the extra."""
    cause = error.__cause__ or error.__context__
    if not isinstance(cause, ModuleNotFoundError) or not cause.name:
        return ""
    library = cause.name.partition(".")[0]
    return describe_missing(f"No module named '{library}'") or (
        f"{library} is not installed: URLs of this kind need it; "
        f"run `pip install {library.replace('_', '-')}`"
    )

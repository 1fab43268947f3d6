"""Why a fetch failed: the classes of failure, and which of them are worth a retry."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The class of a failed fetch; doubles as a counter name."""

    URL_REFUSED = "url_refused"
    SCHEME_REFUSED = "scheme_refused"
    ADDRESS_REFUSED = "address_refused"
    ROBOTS_DISALLOWED = "robots_disallowed"
    ROBOTS_UNREACHABLE = "robots_unreachable"
    OPT_OUT = "opt_out"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BROKEN_REDIRECT = "broken_redirect"
    NOT_FOUND = "not_found"
    CLIENT_ERROR = "client_error"
    RATE_LIMITED = "rate_limited"
    RETRY_LATER = "retry_later"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    UNWANTED_TYPE = "unwanted_type"
    EMPTY_BODY = "empty_body"
    PARTIAL_RESPONSE = "partial_response"
    UNKNOWN_ENCODING = "unknown_encoding"
    BROKEN_RESPONSE = "broken_response"
    TIMED_OUT = "timed_out"
    HOST_UNKNOWN = "host_unknown"
    DNS_FAILED = "dns_failed"
    CONNECTION_FAILED = "connection_failed"
    CERTIFICATE_REFUSED = "certificate_refused"
    HOST_GIVEN_UP = "host_given_up"
    HOST_BUDGET = "host_budget"
    DEADLINE = "deadline"
    BLOCKED_HOST = "blocked_host"
    BLOCKED_URL = "blocked_url"
    REMOVED = "removed"


# By a list of who runs this.
BLOCKED = frozenset({Reason.BLOCKED_HOST, Reason.BLOCKED_URL, Reason.REMOVED})


TRANSIENT = frozenset(
    {
        Reason.RATE_LIMITED,
        Reason.SERVER_ERROR,
        Reason.BROKEN_RESPONSE,
        Reason.TIMED_OUT,
        Reason.DNS_FAILED,
        Reason.CONNECTION_FAILED,
    }
)
# Failures that speak against the host and not the URL, after all attempts. An error that a server
# answers with does not: many say 500 or 503 for a picture that is gone.
UNREACHABLE = frozenset({Reason.TIMED_OUT, Reason.DNS_FAILED, Reason.CONNECTION_FAILED})


@dataclass(frozen=True)
class FetchFailure:
    """A failed fetch.

    Args:
        reason: its class.
        detail: the status and the URL of the hop; the same text in every run, so no times, no
            ephemeral ports, no addresses of objects.
        measured: in the unit of the threshold, if the server declared it.
        threshold: the limit that was exceeded: bytes, seconds or redirects.
    """

    reason: Reason
    detail: str
    measured: float | None = None
    threshold: float | None = None

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a moment later."""
        return self.reason in TRANSIENT


class FetchError(Exception):
    """Carries a `FetchFailure` up to where it is returned; never leaves this package."""

    def __init__(
        self,
        reason: Reason,
        detail: str,
        measured: float | None = None,
        threshold: float | None = None,
    ) -> None:
        super().__init__(reason, detail, measured, threshold)
        self.failure = FetchFailure(reason, detail, measured, threshold)


def reason_of_status(status: int) -> Reason | None:
    """The class of failure of an HTTP status; None for 2xx, but for a part nobody asked for."""
    if status == 206:  # lasting: what answers so ignores the request, and would again
        return Reason.PARTIAL_RESPONSE
    if 200 <= status < 300:
        return None
    if status in {404, 410}:
        return Reason.NOT_FOUND
    if status == 429:
        return Reason.RATE_LIMITED
    if status >= 500:
        return Reason.SERVER_ERROR
    return Reason.CLIENT_ERROR if status >= 400 else Reason.BROKEN_REDIRECT

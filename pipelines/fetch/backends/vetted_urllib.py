"""`urllib` as another's downloader calls it, inside our walls.

Every hop of a request, the first and each redirect, is a canonical http or https URL that
robots.txt allows, on a socket opened to an address that was vetted, under one deadline; headers
that opt out and bodies above the cap end it. Nothing of the process is replaced: the downloader is
given an object where it would look up the module `urllib`.
"""

import functools
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError, URLError

from pipelines.fetch.backends.timed_http import TimedConnection
from pipelines.fetch.backends.walls import RefusedError, Walls, checked, refused
from pipelines.web.failures import FetchFailure, Reason, reason_of_status


class VettedUrllib:
    """In place of the module `urllib`, for the attempts at one image.

    Args:
        walls: of the process.
    """

    def __init__(self, walls: Walls) -> None:
        self._walls = walls
        self._refusal: RefusedError | None = None
        self.failure: FetchFailure | None = None  # of the last attempt

    @property
    def request(self) -> "VettedUrllib":
        """In place of the module `urllib.request`."""
        return self

    def Request(self, url: str, data: None = None, headers: Any = None) -> "_Request":  # noqa: N802
        """As `urllib.request.Request`."""
        return _Request(url, data, headers or {})

    @contextmanager
    def urlopen(self, request: "_Request", timeout: float) -> Iterator[HTTPResponse]:
        """As `urllib.request.urlopen`; what fails is kept as the failure of this attempt.

        Raises:
            RefusedError: a wall was met, in this attempt or an earlier one: it stands again.
            OSError, HTTPException: as `urllib` raises them.
        """
        self.failure = None
        url = request.full_url
        try:
            if self._refusal:
                raise self._refusal
            self._walls.wait_to_start(checked(url))
            request.end = time.monotonic() + timeout
            with closing(_opener(self._walls).open(request, timeout=timeout)) as response:
                self._walls.check_opt_out(response.url, response.headers)
                yield response
        except Exception as error:
            if isinstance(error, RefusedError) and not error.failure.is_transient:
                self._refusal = error
            if isinstance(error, HTTPError):
                error.close()
            self.failure = failure_of(error, url, timeout)
            raise


def failure_of(error: BaseException, url: str, timeout_s: float) -> FetchFailure:
    """The class of what ended an attempt.

    Args:
        error: as it was raised, perhaps within a `URLError`.
        url: that was asked for.
        timeout_s: of the attempt.
    """
    if isinstance(error, RefusedError):
        return error.failure
    if isinstance(error, HTTPError):
        reason = reason_of_status(error.code) or Reason.BROKEN_RESPONSE
        return FetchFailure(reason, f"HTTP {error.code} from {error.url}")
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return failure_of(error.reason, url, timeout_s)
    if isinstance(error, TimeoutError):
        return FetchFailure(Reason.TIMED_OUT, f"at {url}", threshold=timeout_s)
    if isinstance(error, ssl.SSLCertVerificationError):
        return FetchFailure(Reason.CERTIFICATE_REFUSED, f"{error.verify_message} at {url}")
    if isinstance(error, OSError) and not isinstance(error, HTTPException):
        return FetchFailure(Reason.CONNECTION_FAILED, f"at {url}")
    return FetchFailure(Reason.BROKEN_RESPONSE, f"{type(error).__name__} at {url}")


class _Request(urllib.request.Request):
    """A request that knows its deadline and the redirects that led to it."""

    end: float = 0.0
    hops: int = 0


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect as img2dataset would, each checked as if it were the first URL."""

    def __init__(self, walls: Walls) -> None:
        self._walls = walls

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        self._walls.check_opt_out(req.full_url, headers)
        limit = self._walls.settings.max_redirects
        if req.hops >= limit:
            detail = f"on to {newurl[:200]}"
            raise RefusedError(FetchFailure(Reason.TOO_MANY_REDIRECTS, detail, threshold=limit))
        url = checked(newurl, req.full_url)
        began = time.monotonic()
        self._walls.check_rules(url)
        waited_s = time.monotonic() - began  # for a robots.txt, which costs the image nothing
        new = super().redirect_request(req, fp, code, msg, headers, url)
        hop = _Request(url, headers=new.headers if new else {})
        hop.end, hop.hops = req.end + waited_s, req.hops + 1
        return hop

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except Exception as error:
            fp.close()
            if isinstance(error, HTTPError):  # a scheme that urllib itself refuses
                checked(headers.get("location", ""), req.full_url)
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class _Hops(urllib.request.AbstractHTTPHandler):
    """Opens one hop, over http or https."""

    def __init__(self, walls: Walls) -> None:
        super().__init__()
        self._walls = walls

    http_request = https_request = urllib.request.AbstractHTTPHandler.do_request_

    def http_open(self, req: Any) -> Any:
        url = req.full_url
        if checked(url) != url:  # all checks have seen another URL than the one to be asked
            raise refused(Reason.URL_REFUSED, f"{url[:200]!r} is not in canonical form")
        return self.do_open(partial(TimedConnection, walls=self._walls, url=url, end=req.end), req)

    https_open = http_open


@functools.lru_cache(maxsize=4)  # to make one costs as much as to fetch an image
def _opener(walls: Walls) -> urllib.request.OpenerDirector:
    """Knows http and https alone: no files, no `data:`, no FTP, no proxies."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        _Hops(walls),
        _Redirects(walls),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener

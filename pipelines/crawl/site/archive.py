"""Answers of servers, stored immediately as web archives: one file a request, whole or absent.

<folder>/<policy digest>/<host>/<hash of the URL>.warc.gz

Any WARC reader can read them. An answer is a `response` record, a failure a `metadata` record with
its class in JSON, so that a crawl that was killed requests nothing twice. To crawl afresh, delete
the stage's folder.
"""

import gzip
import io
import json
import logging
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fastwarc.warc import ArchiveIterator, WarcRecord, WarcRecordType

from dalle_model import files
from pipelines.crawl.archives.warc import OPT_OUT_FIELD
from pipelines.web.answers import Response
from pipelines.web.failures import FetchFailure, Reason

# They describe the transfer; a record holds the body as decoded.
_OF_THE_WIRE = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection"})

_PORT = re.compile(r"_(?=\d+$)")  # in the name of a folder, before a port

_LOG = logging.getLogger(__name__)

Outcome = Response | FetchFailure


class Archive:
    """The answers of one host.

    Args:
        folder: URL of the host's folder.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = set(files.list_names(folder))

    def find(self, url: str) -> tuple[Outcome, str] | None:
        """The stored outcome of a URL and its location; None where none is stored whole."""
        name = name_of(url)
        if name not in self._names:
            return None
        location = files.join(self._folder, name)
        try:
            return dict(outcomes_in(files.read_bytes(location)))[url], location
        except (OSError, ValueError, TypeError, KeyError):
            _LOG.warning("%s is damaged; its page is fetched again", location)
            return None

    def keep(self, url: str, outcome: Outcome, opt_out: str) -> str:
        """Store an outcome.

        Args:
            url: that was requested.
            outcome: of the request.
            opt_out: an opt-out of the site that the answer itself does not carry.

        Returns:
            Its location.
        """
        location = files.join(self._folder, name_of(url))
        files.write_bytes(location, record_of(url, outcome, opt_out, datetime.now(UTC)))
        return location


def files_of(folder: str, pages: Collection[str], is_refused: Callable[[str], bool]) -> list[str]:
    """URLs of the files below a folder that hold answers for some pages, or from refused hosts.

    Args:
        folder: of all answers.
        pages: canonical URLs.
        is_refused: whether a URL is.
    """
    names, found = {name_of(page) for page in pages}, []
    for under in files.list_names(folder):
        for host in files.list_names(files.join(folder, under)):
            of_host = files.join(folder, under, host)
            refused = is_refused(f"http://{_PORT.sub(':', host)}/")
            there = files.list_names(of_host)
            found += [files.join(of_host, name) for name in there if refused or name in names]
    return found


def name_of(url: str) -> str:
    """The name of the file for a URL."""
    return f"{blake2b(url.encode(), digest_size=12).hexdigest()}.warc.gz"


def record_of(url: str, outcome: Outcome, opt_out: str, when: datetime) -> bytes:
    """An outcome as a gzipped WARC record.

    Source: ISO 28500:2017, WARC 1.1.
    """
    if isinstance(outcome, FetchFailure):
        kind, media_type = "metadata", "application/json"
        block = json.dumps(asdict(outcome), sort_keys=True).encode()
    else:
        kind, media_type = "response", "application/http; msgtype=response"
        block = _http(outcome)
    fields = {
        "WARC-Type": kind,
        "WARC-Target-URI": url,
        "WARC-Date": f"{when:%Y-%m-%dT%H:%M:%SZ}",
        "WARC-Record-ID": f"<urn:uuid:{uuid5(NAMESPACE_URL, f'{when} {url}')}>",
        "Content-Type": media_type,
        "Content-Length": str(len(block)),
    }
    if opt_out:
        fields[OPT_OUT_FIELD] = opt_out
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return gzip.compress(f"WARC/1.1\r\n{head}\r\n".encode() + block + b"\r\n\r\n", mtime=0)


def outcomes_in(content: bytes) -> Iterator[tuple[str, Outcome]]:
    """The outcomes in an archive, each with the URL that was requested.

    Raises:
        OSError, ValueError, TypeError, KeyError: it is damaged.
    """
    for record in ArchiveIterator(io.BytesIO(content), record_types=WarcRecordType.any_type):
        url = record.headers["WARC-Target-URI"]
        if record.record_type == WarcRecordType.metadata:
            yield url, _failure(json.loads(record.reader.read()))
        elif record.record_type == WarcRecordType.response:
            yield url, _response(url, record)


def _http(response: Response) -> bytes:
    kept = [(name, value) for name, value in response.headers if name not in _OF_THE_WIRE]
    lines = [f"HTTP/1.1 {response.status} ", *(f"{name}: {value}" for name, value in kept)]
    lines.append(f"content-length: {len(response.body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + response.body


def _response(url: str, record: WarcRecord) -> Response:
    http = record.http_headers
    headers = tuple((name.lower(), value) for name, value in http.astuples())
    content_type = dict(reversed(headers)).get("content-type", "")
    return Response(int(http.status_code or 0), record.reader.read(), content_type, url, headers)


def _failure(values: dict[str, Any]) -> FetchFailure:
    return FetchFailure(**values | {"reason": Reason(values["reason"])})

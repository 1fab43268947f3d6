"""A checkpoint: one safetensors file whose JSON header describes the tensors.

The config is part of the header rather than a second file, so one atomic write replaces both and a
crash never leaves new weights with an old config. Any safetensors reader opens the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dalle_model import files
from dalle_model.errors import DalleError

if TYPE_CHECKING:  # torch is imported only where tensors are built; hashing a file needs none
    from torch import Tensor, nn

HEADER_KEY = "dalle"
FORMAT_VERSION = 1
_MAX_HEADER_BYTES = 100_000_000  # Source: safetensors 0.8, MAX_HEADER_SIZE
_LENGTH_BYTES = 8  # Source: safetensors README: little-endian u64, then that many bytes of JSON


class CheckpointError(DalleError):
    """A checkpoint cannot be used: which file, why, and the command that makes a valid one."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a checkpoint file.

    Args:
        url: where it was read from.
        kind: `dvae`, `vq`, `vqgan`, `clip` or `prior`.
        sha256: of the whole file.
        config: sizes of the model, as returned by its `to_dict`.
        extra: any other JSON, such as the step or the measured quality.
        tensors: on the CPU.
    """

    url: str
    kind: str
    sha256: str
    config: dict[str, Any]
    extra: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class Inspected:
    """What a checkpoint file says of itself.

    Args:
        kind: such as `dvae`.
        sha256: of the whole file.
        config: sizes of the model, as returned by its `to_dict`.
        extra: any other JSON.
    """

    kind: str
    sha256: str
    config: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)


def save_checkpoint(
    url: str,
    kind: str,
    tensors: Mapping[str, Tensor],
    config: dict[str, Any],
    extra: dict[str, Any] | None = None,
) -> str:
    """Write a checkpoint atomically; equal content gives equal bytes.

    Returns:
        SHA-256 of the file.

    Raises:
        CheckpointError: the header is longer than readers of safetensors take; nothing is written.
    """
    import safetensors.torch

    plain = safetensors.torch.save({k: v.detach().cpu().contiguous() for k, v in tensors.items()})
    header, body = _split(plain)
    document = {
        "version": FORMAT_VERSION,
        "kind": kind,
        "config": config,
        "extra": extra or {},
        "tensors_sha256": files.sha256(body),
    }
    header["__metadata__"] = {HEADER_KEY: json.dumps(document, sort_keys=True)}
    content = _join(url, header, body)
    files.write_bytes(url, content)
    return files.sha256(content)


def load_checkpoint(url: str, kind: str) -> Checkpoint:
    """Read a checkpoint and verify its tensors against the hash in its header.

    Raises:
        CheckpointError: missing, corrupt, or of another kind.
    """
    import safetensors.torch

    content = _read(url, (kind,))
    document = _parse(url, (kind,), content)
    try:
        tensors = safetensors.torch.load(content)
    except Exception as error:  # hostile bytes fail in struct or safetensors
        raise CheckpointError(
            f"{url} is not a {kind} checkpoint of this program: its tensors cannot be read "
            f"({type(error).__name__}); {_remedy(kind)}"
        ) from error
    return Checkpoint(
        url, kind, files.sha256(content), document["config"], document["extra"], tensors
    )


def load_into(module: nn.Module, checkpoint: Checkpoint, tensors: Mapping[str, Tensor]) -> None:
    """Load tensors of a checkpoint into a module with exactly the same names and shapes.

    Raises:
        CheckpointError: the tensors belong to another architecture; names the first difference.
    """
    if difference := difference_of(module, tensors):
        raise CheckpointError(
            f"{checkpoint.url} holds another architecture than its config describes: "
            f"{difference}; {_remedy(checkpoint.kind)}"
        )
    module.load_state_dict(dict(tensors))


def difference_of(module: nn.Module, tensors: Mapping[str, Tensor]) -> str:
    """In which names and shapes tensors are not those of a module, in words; empty if in none."""
    expected = {name: tuple(t.shape) for name, t in module.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    wrong = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
    if not wrong:
        return ""
    name = wrong[0]
    return (
        f"{len(wrong)} tensors differ, first {name:.80}: the file has {found.get(name, 'none')}, "
        f"the model {expected.get(name, 'none')}"
    )


def inspect_checkpoint(url: str, *kinds: str) -> Inspected:
    """What a checkpoint file says of itself, verified like `load_checkpoint` but without torch.

    The file is read again only when its size, mtime or etag has changed.

    Args:
        url: of the checkpoint.
        kinds: of which it must be one.

    Raises:
        CheckpointError: missing, corrupt, or of another kind.
    """
    try:
        identity = files.identity(url)
    except FileNotFoundError as error:
        raise _missing(url, kinds) from error
    if identity["stamp"] is None:  # a file system without times cannot tell old from new
        return _inspect(url, kinds)
    return _inspected(url, kinds, identity["bytes"], identity["stamp"])


@lru_cache(maxsize=8)
def _inspected(url: str, kinds: tuple[str, ...], _size: int, _stamp: str) -> Inspected:
    return _inspect(url, kinds)


def _inspect(url: str, kinds: tuple[str, ...]) -> Inspected:
    content = _read(url, kinds)
    document = _parse(url, kinds, content)
    sha256 = files.sha256(content)
    return Inspected(document["kind"], sha256, document["config"], document["extra"])


def _parse(url: str, kinds: tuple[str, ...], content: bytes) -> dict[str, Any]:
    """Our part of the header of a checkpoint whose tensors are those that it speaks of."""
    try:
        header, body = _split(content)
        document: dict[str, Any] = json.loads(header["__metadata__"][HEADER_KEY])
        _check(url, kinds, document, body)
        dict(document["config"]), dict(document["extra"])  # raises where it is something else
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        # The class alone: the text of an error over bytes may hold all of them.
        raise CheckpointError(
            f"{url} is not a {_any(kinds)} checkpoint of this program: its header cannot be read "
            f"({type(error).__name__}); {_remedy(kinds[0])}"
        ) from error
    return document


def _read(url: str, kinds: tuple[str, ...]) -> bytes:
    try:
        return files.read_bytes(url)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise _missing(url, kinds) from error


def _missing(url: str, kinds: tuple[str, ...]) -> CheckpointError:
    return CheckpointError(f"no {_any(kinds)} checkpoint at {url}; {_remedy(kinds[0])}")


def _check(url: str, kinds: tuple[str, ...], document: dict[str, Any], body: bytes) -> None:
    if document["version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{url} has checkpoint version {document['version']!s:.40}, "
            f"this program reads version {FORMAT_VERSION}; {_remedy(kinds[0])}"
        )
    if document["kind"] not in kinds:
        raise CheckpointError(
            f"{url} is a {document['kind']!s:.40} checkpoint where a {_any(kinds)} is needed; "
            f"{_remedy(kinds[0])}"
        )
    if document["tensors_sha256"] != files.sha256(body):
        raise CheckpointError(
            f"{url} is corrupt: its tensors hash to {files.sha256(body)[:16]}, "
            f"its header says {document['tensors_sha256']!s:.16}; {_remedy(kinds[0])}"
        )


def _any(kinds: tuple[str, ...]) -> str:
    *others, last = kinds
    return f"{', '.join(others)} or {last}" if others else last


def _remedy(kind: str) -> str:
    return f"`dalle train {kind}` makes one"


def _split(content: bytes) -> tuple[dict[str, Any], bytes]:
    start = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    return json.loads(content[_LENGTH_BYTES:start]), content[start:]


def _join(url: str, header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    if len(text) > _MAX_HEADER_BYTES - _LENGTH_BYTES:
        raise CheckpointError(
            f"{url} is not written: its header would take {len(text):,} bytes, and no reader takes "
            f"more than {_MAX_HEADER_BYTES:,}; what grows with the data belongs in another file"
        )
    text += b" " * (-len(text) % _LENGTH_BYTES)  # safetensors requires an aligned body
    return len(text).to_bytes(_LENGTH_BYTES, "little") + text + body

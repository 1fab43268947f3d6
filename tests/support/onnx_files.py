"""ONNX files as bytes, by their protobuf fields: no package that tests have writes them.

Source of the numbers of fields: onnx `onnx.proto`.
"""

from pathlib import Path

FLOAT, OPSET = 1, 13


def write_mean_classifier(path: Path, side: int, nhwc: bool = False) -> Path:
    """A classifier whose outputs are the means of red, green and blue of its one input."""
    first = [_node("Transpose", "pixels", "moved", _ints("perm", [0, 3, 1, 2]))] if nhwc else []
    nodes = [
        *first,
        _node("GlobalAveragePool", "moved" if nhwc else "pixels", "pooled"),
        _node("Flatten", "pooled", "means"),
    ]
    shape = (1, side, side, 3) if nhwc else (1, 3, side, side)
    inputs, outputs = _field(11, _value("pixels", shape)), _field(12, _value("means", (1, 3)))
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"g") + inputs + outputs
    opset = _field(1, b"") + _field(2, OPSET)
    path.write_bytes(_field(1, 8) + _field(7, graph) + _field(8, opset))
    return path


def _node(kind: str, of: str, makes: str, attribute: bytes = b"") -> bytes:
    names = _field(1, of.encode()) + _field(2, makes.encode()) + _field(4, kind.encode())
    return names + (_field(5, attribute) if attribute else b"")


def _ints(name: str, values: list[int]) -> bytes:
    kind = 7  # of the attribute: INTS
    return _field(1, name.encode()) + b"".join(_field(8, v) for v in values) + _field(20, kind)


def _value(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1, length)) for length in shape)
    tensor = _field(1, FLOAT) + _field(2, dims)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])

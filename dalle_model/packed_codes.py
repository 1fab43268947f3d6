"""Image tokens packed to as many bits a code as tell the codes apart, as one text of bytes a row.

A row's codes stand behind each other, each from its highest bit; zeros fill the last byte. What is
in a packed column is said by the metadata of its field, so that readers unpack it unasked.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dalle_model.token_shape import UINT16_CODES

PACKED_KEY = "dalle.packed"  # of a footer: by column `bits` of a code, and `codes` of a row
_BITS, _CODES = b"dalle.bits", b"dalle.codes"  # of a field
_BLOCK_ROWS = 256  # packed at a time; chosen: 4 MB as single bits of 1,024 codes


def code_bits(num_codes: int) -> int:
    """Bits that tell so many codes apart: ceil(log2)."""
    return (num_codes - 1).bit_length()


def packed(codes: npt.NDArray[np.unsignedinteger], bits: int) -> npt.NDArray[np.uint8]:
    """Codes `[rows, codes]` below 2^`bits` as bytes `[rows, ceil(codes * bits / 8)]`."""
    places = np.arange(bits)[::-1]
    blocks = [np.zeros((0, codes.shape[1] * bits + 7 >> 3), np.uint8)]
    for at in range(0, len(codes), _BLOCK_ROWS):
        block = codes[at : at + _BLOCK_ROWS, :, None].astype(np.uint32) >> places & 1
        blocks.append(np.packbits(block.astype(np.uint8).reshape(len(block), -1), axis=1))
    return np.concatenate(blocks)


def unpacked(
    content: npt.NDArray[np.uint8], num_codes: int, bits: int
) -> npt.NDArray[np.uint16 | np.uint32]:
    """The codes `[rows, num_codes]` of bytes `[rows, bytes]`; uint32 above 16 bits, else uint16."""
    starts = np.arange(num_codes) * bits
    width = bits + 14 >> 3  # bytes that a code may touch
    padded = np.pad(content, ((0, 0), (0, width)))
    window = np.zeros((len(content), num_codes), np.uint64 if width > 4 else np.uint32)
    for number in range(width):
        window = window << 8 | padded[:, (starts >> 3) + number]
    window = window >> (8 * width - bits - (starts & 7)).astype(window.dtype)
    window &= window.dtype.type((1 << bits) - 1)
    return np.asarray(window, np.uint32 if 1 << bits > UINT16_CODES else np.uint16)


def packed_field(field: pa.Field, num_codes: int) -> pa.Field:
    """A column of tokens, a list of fixed length, as it is packed.

    Args:
        field: of the column.
        num_codes: that there are, so that every token is below it.
    """
    bits, length = max(1, code_bits(num_codes)), field.type.list_size
    about = {_BITS: str(bits).encode(), _CODES: str(length).encode()}
    return pa.field(field.name, pa.binary(length * bits + 7 >> 3), field.nullable, about)


def packing(field: pa.Field) -> tuple[int, int] | None:
    """Bits of a code and codes of a row of a packed column; None of any other."""
    about: Mapping[bytes, bytes] = field.metadata or {}
    if _BITS not in about or not pa.types.is_fixed_size_binary(field.type):
        return None
    return int(about[_BITS]), int(about[_CODES])


def unpacked_schema(schema: pa.Schema) -> pa.Schema:
    """The columns as they are when they have been unpacked."""
    return pa.schema([_unpacked_field(field) for field in schema], schema.metadata)


def pack_column(column: pa.ChunkedArray, field: pa.Field) -> pa.Array:
    """A column of tokens as `packed_field` says; raises ValueError where one has too many bits."""
    bits, length = packing(field) or (0, 0)
    lists = column.combine_chunks()
    codes = lists.flatten().to_numpy(zero_copy_only=False).reshape(len(lists), length)
    if codes.size and int(codes.max()) >> bits:
        raise ValueError(f"`{field.name}` has the code {codes.max()}, which is not of {bits} bits")
    content = pa.py_buffer(packed(codes, bits).tobytes())
    return pa.Array.from_buffers(field.type, len(lists), [None, content])


def unpack_table(table: pa.Table) -> pa.Table:
    """The same rows with their codes unpacked, where any are packed."""
    for place, field in enumerate(table.schema):
        if (found := packing(field)) is not None:
            codes = _codes_of(table.column(place).combine_chunks(), *found)
            table = table.set_column(place, _unpacked_field(field), codes)
    return table


def _unpacked_field(field: pa.Field) -> pa.Field:
    found = packing(field)
    if found is None:
        return field
    bits, length = found
    code = pa.uint32() if 1 << bits > UINT16_CODES else pa.uint16()
    kind = pa.list_(pa.field("element", code), length)
    return pa.field(field.name, kind, field.nullable)


def _codes_of(column: pa.FixedSizeBinaryArray, bits: int, length: int) -> pa.Array:
    width = column.type.byte_width
    content = np.frombuffer(column.buffers()[1] or b"", np.uint8)
    rows = content[column.offset * width :][: len(column) * width].reshape(len(column), width)
    kind = _unpacked_field(
        pa.field("", column.type, metadata={_BITS: str(bits), _CODES: str(length)})
    ).type
    return pa.FixedSizeListArray.from_arrays(
        pa.array(unpacked(rows, length, bits).reshape(-1)), type=kind
    )

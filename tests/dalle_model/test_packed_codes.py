"""Codes of any number of bits come back from their bytes, which anyone can take apart."""

import numpy as np
import pyarrow as pa
import pytest

from dalle_model.packed_codes import (
    code_bits,
    pack_column,
    packed,
    packed_field,
    packing,
    unpack_table,
    unpacked,
    unpacked_schema,
)


def slow_bytes(row, bits) -> bytes:
    """A row as text of zeros and ones."""
    text = "".join(f"{code:0{bits}b}" for code in row)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def some_codes(bits, rows=7, length=11):
    top = 1 << bits
    codes = np.random.default_rng(bits).integers(0, top, (rows, length)).astype(np.uint32)
    codes[0], codes[1] = 0, top - 1
    return codes.astype(np.uint16) if bits <= 16 else codes


@pytest.mark.parametrize(("codes", "bits"), [(2, 1), (1024, 10), (1025, 11), (8192, 13)])
def test_bits_tell_codes_apart(codes, bits):
    assert code_bits(codes) == bits


@pytest.mark.parametrize("bits", range(1, 33))
def test_codes_come_back_from_the_bytes_of_a_slow_twin(bits):
    codes = some_codes(bits)
    content = packed(codes, bits)
    assert [row.tobytes() for row in content] == [slow_bytes(row, bits) for row in codes.tolist()]
    back = unpacked(content, codes.shape[1], bits)
    assert back.dtype == codes.dtype
    assert np.array_equal(back, codes)


def test_many_rows_and_none_are_packed_alike():
    codes = some_codes(13, rows=600)
    assert np.array_equal(packed(codes, 13)[300:], packed(codes[300:], 13))
    assert packed(codes[:0], 13).shape == (0, 18)
    assert unpacked(packed(codes[:0], 13), 11, 13).shape == (0, 11)


def lists(codes):
    kind = pa.list_(pa.field("element", pa.from_numpy_dtype(codes.dtype)), codes.shape[1])
    return pa.FixedSizeListArray.from_arrays(pa.array(codes.reshape(-1)), type=kind)


@pytest.mark.parametrize("bits", [10, 13, 18])
def test_a_column_is_packed_and_unpacked_whatever_slice_it_is(bits):
    table = pa.table({"key": [str(n) for n in range(7)], "codes": lists(some_codes(bits))})
    field = packed_field(table.schema.field("codes"), 1 << bits)
    assert packing(field) == (bits, 11)
    column = pack_column(table["codes"], field)
    made = pa.table([table["key"], column], pa.schema([table.schema.field("key"), field]))
    assert made.schema.field("codes").type == pa.binary(-(-11 * bits // 8))
    assert unpacked_schema(made.schema) == table.schema
    assert unpack_table(made).equals(table)
    assert unpack_table(made.slice(2, 3)).equals(table.slice(2, 3))
    assert unpack_table(made.slice(0, 0)).equals(table.slice(0, 0))
    assert unpack_table(table) is table


def test_one_code_takes_a_bit_and_too_large_ones_are_an_error():
    codes = np.zeros((2, 8), np.uint16)
    field = packed_field(pa.field("x", lists(codes).type), 1)
    assert packing(field) == (1, 8)
    codes[1, 3] = 2
    with pytest.raises(ValueError, match="`x` has the code 2, which is not of 1 bits"):
        pack_column(pa.chunked_array([lists(codes)]), field)


def test_a_column_of_other_bytes_is_left_alone():
    table = pa.table({"hash": pa.array([b"12345678"], pa.binary(8))})
    assert packing(table.schema.field("hash")) is None
    assert unpack_table(table) is table

"""Random tables with planted oddities: kept + rejected = put in, and nothing is made up."""

import pytest

from tests.support.odd_tables import Entry, fault_of, odd_table


@pytest.mark.parametrize("seed", range(300))
def test_each_row_put_in_is_kept_as_it_was_or_rejected(seed):
    table = odd_table(seed)
    assert fault_of(table) == "", table.traits


def test_a_fault_is_found():
    table = odd_table(0)
    table.entries.append(Entry("https://site.test/never.jpg", "written", is_sound=False))
    assert "rows put in" in fault_of(table)
    table.entries[0] = Entry("https://site.test/other.jpg", "a boat")
    assert "nobody put in" in fault_of(table)

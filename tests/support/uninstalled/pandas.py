"""Stands before pandas, which no extra of `dalle` has: packages that only tests need bring it."""

raise ImportError("pandas is installed for tests, and hidden from commands")

"""Settings of all tests."""

import pytest
from hypothesis import settings

from dalle_model import files

# No test asserts a time: a busy machine, or a word list loaded by the first example, is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Spell what is logged of names that are no UTF-8: reports cross from process to process."""
    del item, call
    report = yield
    report.sections = [(name, files.printable(text)) for name, text in report.sections]
    return report

"""Settings of all tests."""

from hypothesis import settings

# No test asserts a time: a busy machine, or a word list loaded by the first example, is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

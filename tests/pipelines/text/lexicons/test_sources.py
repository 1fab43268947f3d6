import subprocess
import sys

import pytest

from pipelines.text.lexicons.sources import LexiconError, package_file


def test_a_missing_list_names_the_command_that_fixes_it():
    with pytest.raises(LexiconError, match="pip install --force-reinstall wordfreq"):
        package_file("wordfreq", "data/none.gz", "wordfreq")


def test_lists_are_found_without_running_their_packages():
    script = (
        "import sys\n"
        "from pipelines.text.lexicons.profanity import load_phrases\n"
        "from pipelines.text.lexicons.vocabulary import load_vocabulary\n"
        "load_vocabulary('wordfreq'); load_phrases('better-profanity')\n"
        "assert not {'wordfreq', 'better_profanity', 'vaderSentiment'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

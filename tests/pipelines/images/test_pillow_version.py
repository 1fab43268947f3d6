import pytest

from pipelines.images.pillow_version import PillowVersionError, check_pillow


@pytest.mark.parametrize("installed", ["13.0.0", "13.1.0.dev0", "14.0", "100"])
def test_a_pillow_without_known_holes_may_decode(installed):
    check_pillow(installed)


@pytest.mark.parametrize("installed", ["12.3.0", "9.5.0", "2.9"])
def test_an_older_one_is_refused_with_the_command_that_replaces_it(installed):
    with pytest.raises(PillowVersionError, match=r"run `pip install 'pillow>=13'`") as caught:
        check_pillow(installed)
    assert str(caught.value).startswith(f"Pillow {installed} is installed")

import pytest

from pipelines.io.strict_yaml import StrictYamlError, compose, construct, key_lines

TEXT = b"about: x\nrules:\n  one: {value: 1}\n  two: 2\nnone:\n"


def test_values_and_lines():
    node = compose(TEXT, "a mapping is needed")
    assert construct(node) == {"about": "x", "rules": {"one": {"value": 1}, "two": 2}, "none": None}
    assert list(key_lines(node)) == [("rules", "one", 3), ("rules", "two", 4)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: &x 1\nb: *x\n", r"line 2: aliases \(`\*x`\) are not allowed"),
        (b"a: 1\na: 2\n", "line 2: `a` appears twice"),
        (b"? [a]\n: 1\n", "line 1: a key must be a plain name"),
        (b"- a\n", "line 1: a mapping is needed"),
        (b"a: [\n", "line 2"),
        (b"about: \xff\xfe", "not UTF-8 text: invalid start byte"),
        (b"[" * 5000, "recursion"),
    ],
)
def test_what_is_no_plain_mapping(content, message):
    with pytest.raises(StrictYamlError, match=message):
        compose(content, "a mapping is needed")


def test_no_object_is_made():
    with pytest.raises(StrictYamlError, match="constructor"):
        construct(compose(b"a: !!python/object/apply:os.system [ls]\n", ""))

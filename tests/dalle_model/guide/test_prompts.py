import pytest

from dalle_model.guide.prompts import Prompt, PromptError, parse_prompts


@pytest.mark.parametrize(
    ("line", "prompts"),
    [
        ("a red heart", [("a red heart", 1)]),
        ("a:1 | b:0.5|c d : -.3 ", [("a", 1), ("b", 0.5), ("c d", -0.3)]),
        ("a:2:0.7 | b:-1:-1.2", [("a", 2, 0.7), ("b", -1, -1.2)]),
        ("a: 2", [("a", 2)]),
        ("a sign: no entry:2", [("a sign: no entry", 2)]),
        (r"a clock at 3\:30:2 | a \| b", [("a clock at 3:30", 2), ("a | b",)]),
        ("https://host.example/x.png", [("https://host.example/x.png", 1)]),
        ("http://host.example:8080/x.png:0.5:0.2", [("http://host.example:8080/x.png", 0.5, 0.2)]),
        ("a:0 | b", [("a", 0), ("b", 1)]),
    ],
)
def test_a_line_is_these_prompts(line, prompts):
    assert parse_prompts(line) == [Prompt(*prompt) for prompt in prompts]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "part 1 of the prompts, '', has no text"),
        ("a |  | b", "part 2 of the prompts, '', has no text"),
        ("a | :0.5", "part 2 of the prompts, ':0.5', has no text"),
        ("a | b:c", "part 2, 'b:c': its weight 'c' is no number"),
        ("a:1:c", "its stop 'c' is no number"),
        ("a:b:c:d", "part 1, 'a:b:c:d', has 3 colons"),
        ("a:nan", "its weight 'nan' is no number"),
        ("a:inf", "its weight 'inf' is no number"),
        ("a:", "its weight '' is no number"),
        ("a:0 | b:0", "all weights of 'a:0 | b:0' are 0"),
    ],
)
def test_a_line_that_cannot_be_read_names_its_part(line, problem):
    with pytest.raises(PromptError, match=problem.replace("|", r"\|")):
        parse_prompts(line)


def test_a_prompt_has_no_stop_unless_it_is_given():
    (prompt,) = parse_prompts("a")
    assert prompt == Prompt("a", 1.0, float("-inf"))


def test_what_ends_as_an_image_is_one():
    prompts = parse_prompts("http://host.example/X.PNG:1 | a.png b | face.jpeg")
    assert [prompt.is_image for prompt in prompts] == [True, False, True]

"""Forms in which texts are compared."""


def collapse_spaces(text: str) -> str:
    """Any run of white space, line breaks included, becomes one space; none at the ends."""
    return " ".join(text.split())


def fold(text: str) -> str:
    """The form in which texts are compared regardless of case and spacing."""
    return collapse_spaces(text.casefold())

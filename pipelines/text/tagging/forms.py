"""How the Penn Treebank writes words and marks, and how the perceptron looks at them."""

# The Treebank's own forms of marks. Straight quotation marks that open have theirs already, by
# `tokenise.with_quotes`.
_MARKS = {
    **dict.fromkeys("([{", "-LRB-"),
    **dict.fromkeys(")]}", "-RRB-"),
    **dict.fromkeys("\u201c\u00ab", "``"),
    **dict.fromkeys('"\u201d\u00bb', "''"),
    **dict.fromkeys("\u2013\u2014", "--"),
    "\u2018": "`",
    "\u2026": "...",
}


def treebank_form(word: str) -> str:
    """A word or mark as the Treebank would write it."""
    return _MARKS.get(word) or word.replace("\u2019", "'")


def normal_form(form: str) -> str:
    """What context features see of a form. Source: textblob_aptagger/taggers.py, `_normalize`."""
    if "-" in form and form[0] != "-":
        return "!HYPHEN"
    if form.isdigit() and len(form) == 4:
        return "!YEAR"
    return "!DIGITS" if form[0].isdigit() else form.lower()

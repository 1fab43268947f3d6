"""How English writes months, weekdays and days: parts of regular expressions, in title case.

Each part is a group of its own, so that any expression can take it as it is.
"""

# Abbreviation and the rest of the name. Chosen: the usual abbreviations, "Sept" among them.
_MONTHS = (
    ("Jan", "uary"), ("Feb", "ruary"), ("Mar", "ch"), ("Apr", "il"), ("May", ""), ("Jun", "e"),
    ("Jul", "y"), ("Aug", "ust"), ("Sept?", "ember"), ("Oct", "ober"), ("Nov", "ember"),
    ("Dec", "ember"),
)  # fmt: skip

MONTH_STEMS = tuple(short[:3].lower() for short, _ in _MONTHS)
MONTH = f"(?:{'|'.join(f'{short}(?:{rest})?' for short, rest in _MONTHS)})"
LONG_MONTH = f"(?:{'|'.join(short.rstrip('?') + rest for short, rest in _MONTHS)})"


def _month_or_dotted(short: str, rest: str) -> str:
    # "May.", "Jun." and "Jul." end a sentence more often than they are abbreviations.
    return f"{short}(?:{rest}|[.])?" if len(rest) > 1 else f"{short}(?:{rest})?"


MONTH_OR_DOTTED = f"(?:{'|'.join(_month_or_dotted(*month) for month in _MONTHS)})"

WEEKDAY = "(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
SHORT_WEEKDAY = "(?:Mon|Tues?|Wed|Thurs?|Fri|Sat|Sun)"

DAY = r"(?:\d{1,2}(?:st|nd|rd|th)?)"

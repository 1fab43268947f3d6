"""How this crawler identifies itself: its User-Agent, and the name that rules address."""

import re

USER_AGENT = "dallebot/0.1 (+https://example.org/dallebot)"

_PRODUCT = re.compile(r"[a-zA-Z_-]+")  # Source: RFC 9309, section 2.2.1


def leading_product(text: str) -> str:
    """The product token that a text begins with, in lower case; empty where none does."""
    match = _PRODUCT.match(text)
    return match[0].lower() if match else ""


def is_product_token(name: str) -> bool:
    """Whether a name is a valid product token."""
    return _PRODUCT.fullmatch(name) is not None


def product_token(user_agent: str) -> str:
    """The name in a User-Agent, in lower case: the part before the first slash."""
    return user_agent.partition("/")[0].strip().lower()

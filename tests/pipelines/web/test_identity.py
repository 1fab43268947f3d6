import pytest

from pipelines.web.identity import USER_AGENT, is_product_token, product_token


@pytest.mark.parametrize(
    ("user_agent", "token"),
    [("MyBot/1.0 (+https://a.test)", "mybot"), ("my-bot", "my-bot"), (" a b /1", "a b")],
)
def test_product_token(user_agent, token):
    assert product_token(user_agent) == token


def test_our_own_name_is_one_that_rules_can_address():
    assert is_product_token(product_token(USER_AGENT))

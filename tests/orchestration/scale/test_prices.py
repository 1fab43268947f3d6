import pytest
import yaml

from orchestration.scale.prices import EXAMPLE, PriceError, Prices, read_prices


def write(path, **changed) -> str:
    path.write_text(yaml.safe_dump(EXAMPLE.model_dump() | changed))
    return str(path)


def test_prices_are_read_with_their_date_and_source(tmp_path):
    paid = {"usd": 0.5, "date": "2026-10", "source": "our invoice"}
    prices = read_prices(write(tmp_path / "prices.yaml", core_hour=paid))
    assert prices.core_hour.model_dump() == paid
    assert prices.shuffled_gb == EXAMPLE.shuffled_gb


def test_an_example_says_that_it_is_one_or_who_says_so():
    for name in Prices.model_fields:
        source = getattr(EXAMPLE, name).source
        assert "an example, not a quote" in source or "README" in source


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"core_hour": {"usd": 1, "date": "2026-10"}}, "core_hour.source: field required"),
        ({"core_hour": {"usd": -1, "date": "2026-10", "source": "x"}}, "core_hour.usd: "),
        ({"core_hour": {"usd": 1, "date": "lately", "source": "x"}}, "core_hour.date: "),
        ({"gpu_hour": {}}, "gpu_hour: "),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, changed, said):
    path = write(tmp_path / "prices.yaml", **changed)
    with pytest.raises(PriceError, match=rf"prices\.yaml:\d+: {said}"):
        read_prices(path)


def test_a_file_that_is_not_there_or_no_mapping_is_said(tmp_path):
    with pytest.raises(PriceError, match=r"nowhere\.yaml: cannot read the prices"):
        read_prices(f"{tmp_path}/nowhere.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(PriceError, match=r"list\.yaml:1: prices are a mapping of core_hour, "):
        read_prices(f"{tmp_path}/list.yaml")

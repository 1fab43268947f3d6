"""What a plan multiplies with: prices, each with its date and its source.

No price is known here for certain: providers change them, and they differ by region and contract.
The ones below are examples, one of them published. `read_prices` takes those that you pay.
"""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dalle_model import files
from dalle_model.errors import UsageError
from pipelines.io.strict_yaml import StrictYamlError, compose, construct, line_of


class PriceError(UsageError):
    """A file of prices cannot be read."""


class Price(BaseModel):
    """One price.

    Args:
        usd: United States dollars for the unit.
        date: year and month of the source, as `2026-11`.
        source: who says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: float = Field(ge=0, allow_inf_nan=False)
    date: str = Field(pattern=r"^\d{4}-\d{2}$")
    source: str = Field(min_length=1)


class Prices(BaseModel):
    """What is paid for.

    Args:
        core_hour: one core for an hour, with its memory.
        stored_gb_month: 10^9 bytes in an object store for a month.
        shuffled_gb: 10^9 bytes moved between workers by the engine's service.
        received_gb: 10^9 bytes from the web, through the gateway of a private network.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    core_hour: Price
    stored_gb_month: Price
    shuffled_gb: Price
    received_gb: Price


_EXAMPLE = "an example, not a quote: put in what you pay"
EXAMPLE = Prices(
    core_hour=Price(
        usd=0.04,
        date="2023-01",
        source="cc2dataset, README: 70,000 core hours for some 2,800 USD, on spot machines",
    ),
    stored_gb_month=Price(usd=0.02, date="2026-11", source=_EXAMPLE),
    shuffled_gb=Price(usd=0.01, date="2026-11", source=_EXAMPLE),
    received_gb=Price(usd=0.05, date="2026-11", source=_EXAMPLE),
)


def read_prices(url: str) -> Prices:
    """The prices of a YAML file with the four keys, each with `usd`, `date` and `source`.

    Raises:
        PriceError: there is no such file, or it holds something else.
    """
    try:
        root = compose(files.read_bytes(url), f"prices are a mapping of {', '.join(_NAMES)}")
        values = construct(root)
    except OSError as error:
        raise PriceError(f"{url}: cannot read the prices: {error.strerror or error}") from error
    except StrictYamlError as error:
        raise PriceError(f"{url}:{error.line}: {error.problem}") from error
    try:
        return Prices.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"]]
        line = line_of(root, where)
        raise PriceError(f"{url}:{line}: {'.'.join(where)}: {first['msg'].lower()}") from error


_NAMES = tuple(Prices.model_fields)

"""The prior that ships with the package, by its name."""

from importlib.resources import files as package_files

_SHIPPED = {"world": "world_prior.safetensors"}


def is_shipped(name: str) -> bool:
    """Whether a prior of this name ships."""
    return name in _SHIPPED


def prior_url(name_or_url: str) -> str:
    """URL of a prior's checkpoint: the shipped one is given by name, any other by its URL."""
    if name_or_url in _SHIPPED:
        return str(package_files("dalle_model").joinpath("weights", _SHIPPED[name_or_url]))
    return name_or_url

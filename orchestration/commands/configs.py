"""The commands about settings and sizes, before there is a run."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestration.engine.first_config import FirstConfig
    from orchestration.engine.settings_list import Setting
    from orchestration.scale.plan import Estimate
    from orchestration.scale.training import TrainingEstimate
    from orchestration.work import Config


def init(
    path: str,
    out: str = "dalle.yaml",
    *,
    url_column: str = "",
    caption_column: str = "",
    image_column: str = "",
    replaces: bool = False,
) -> "FirstConfig":
    """Look at what is at a path, and write a config that takes it to tokens.

    Args:
        path: a file, folder or glob, on a disk or in a store, or URL of a site to crawl.
        out: URL of the config.
        url_column: of a table, where it cannot be told by its name.
        caption_column: likewise.
        image_column: likewise.
        replaces: whether a file that is there may be replaced.

    Raises:
        UsageError: nothing is there that can be read, a column cannot be told, or the config is
            there already.
    """
    from orchestration.engine.first_config import write_first_config

    given = {
        "url_column": url_column,
        "caption_column": caption_column,
        "image_column": image_column,
    }
    columns = {setting: name for setting, name in given.items() if name}
    return write_first_config(path, out, columns, replaces=replaces)


def settings(name: str = "", config: str = "") -> "list[Setting]":
    """Every setting with its type, default and meaning; `dalle config` prints it.

    Args:
        name: of a setting, such as `images.side`, or of a section; all by default.
        config: path or URL of a config file, whose values are told with where they come from.

    Raises:
        ConfigError: no such setting, or a config that is wrong.
    """
    from orchestration.engine.settings_list import all_settings, chosen, settings_in

    return chosen(settings_in(config) if config else all_settings(), name)


def estimate(
    pairs: float,
    profile: str = "local",
    *,
    hours: float = 168,
    months: float = 1,
    prices: str = "",
    config: "Config | None" = None,
) -> "Estimate":
    """What a run of some size would need: workers, bytes, money, and what gives way first.

    Counted from what a row costs each stage, as measured; `dalle plan` prints it.

    Args:
        pairs: image-caption pairs, all of which every stage is taken to see.
        profile: `local`, `flink` or `dataflow`.
        hours: in which it should be done; a week by default.
        months: for which the run directory is kept.
        prices: URL of a YAML file with what you pay; by default examples.
        config: settings of the run, whose codec, views and stored images are counted; by default
            the defaults.

    Raises:
        UsageError: no such profile, a number that makes no sense, a file that holds no prices, or a
            setting that is wrong.
    """
    from orchestration.scale.plan import estimate as estimated
    from orchestration.scale.prices import EXAMPLE, read_prices
    from orchestration.work import read_config

    paid = read_prices(prices) if prices else EXAMPLE
    settings = None if config is None else read_config(config)
    return estimated(pairs, profile, hours, paid, months, settings)


def estimate_training(
    config: "Config | None" = None,
    directory: str = "",
    *,
    device: str = "h100",
    devices: int = 1,
    mfu: float | None = None,
    pairs: float | None = None,
) -> "TrainingEstimate":
    """What training the model of a config needs: memory by kind, operations, bytes, time.

    Counted from its sizes and settings; `dalle plan train` prints it.

    Args:
        config: settings of the run; by default those that the directory keeps, or of `dalle.yaml`.
        directory: of a run whose token shards are counted; empty for none.
        device: `h200`, `h100`, `a100`, `v100`, or `cpu` for a core.
        devices: of them.
        mfu: share of their peak that is reached; by default what others have measured.
        pairs: rows to train on, in place of those of the directory.

    Raises:
        UsageError: no such device, a number that makes no sense, a setting that is wrong, or a
            config that trains nothing that can be counted.
    """
    from orchestration.engine.config import load_run_config
    from orchestration.scale.training import estimate_training as estimated
    from orchestration.work import read_config

    if config is None:
        config = load_run_config(directory) if directory else "dalle.yaml"
    return estimated(read_config(config), directory, device, devices, mfu, pairs)

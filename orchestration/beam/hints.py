"""What a stage needs of a machine, as Beam's resource hints.

An engine that chooses machines, as Dataflow does, reads them; all others pass them over. A hint is
given to the one transform that holds all of a stage: Beam hands it down to what is within, and adds
up `max_active_bundles_per_worker` where inner and outer transforms both have it. Transforms with
other hints than their neighbours are not fused with them.
"""

from typing import Any

from pipelines.stage import Facts, Stage


def hints(stage: Stage, section: Any, facts: Facts) -> dict[str, str]:
    """The arguments of `PTransform.with_resource_hints`; none for a stage that runs anywhere.

    Args:
        stage: whose `resources` are read.
        section: its settings.
        facts: of the run, up to the stage.
    """
    needs = stage.resources
    ram = needs.min_ram_bytes(section, facts)
    found = {
        "min_ram": f"{ram}B" if ram else "",
        "max_active_bundles_per_worker": str(needs.max_bundles or ""),
        "accelerator": needs.accelerator(section),
    }
    return {name: value for name, value in found.items() if value}

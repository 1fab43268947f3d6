"""What it gains to choose among samples: `python -m tools.small_world.choose world --best-of 16`.

Draws captions that were held out, as the stage `zero_shot` does, and prints by the number of images
that a scorer chooses from: the share of chosen images that show what their caption says, with the
standard error over captions of what it has gained, the share of captions of which any image does,
and the score. Writes `OUT/zero_shot.parquet`,
`OUT/zero_shot.png`, the figures as `OUT/figures.json`, and their curve as `OUT/curve.svg`.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.evaluate.best_of import doublings, expected_best, gains
from dalle_model.prior.shipped import prior_url
from dalle_model.settings import CHOOSING_SCORER, SampleSettings
from orchestration.report import charts
from pipelines.best_of import curves
from pipelines.records import CODEC, PRIOR
from pipelines.zero_shot.config import ZeroShotConfig
from pipelines.zero_shot.draw import sample_held_out

WORLD = Path(__file__).resolve().parents[2] / "demo" / "world" / "held_out"


def show_progress(done: int, total: int, _metrics: Mapping[str, float], /) -> None:
    """Says how many images there are."""
    print(f"\r{done:,} of {total:,} images", end="" if done < total else "\n", flush=True)


def print_curves(rows: list[dict[str, Any]], most: int) -> None:
    """Of each kind and of all: right without a choice, by the scorer's, and at most; the scores."""
    kinds = [*sorted({row["kind"] for row in rows}), "all"]
    print("kind", "captions", "best of", "right", "+-", "any right", "score", sep="\t")
    for kind in kinds:
        own = [row for row in rows if kind in ("all", row["kind"])]
        scores, right = np.array([row["scores"] for row in own]), [row["are_right"] for row in own]
        sizes, found = doublings(most), gains(scores, right)
        gained = expected_best(scores, right, sizes) - expected_best(scores, right, [1])
        errors = gained.std(axis=1) / len(own) ** 0.5
        for size, error in zip(sizes, errors, strict=True):
            figures = [found[f"{name}_best_of_{size}"] for name in ("rate", "any", "score")]
            shown = [f"{value:.3f}" for value in (figures[0], error, *figures[1:])]
            print(kind, len(own), size, *shown, sep="\t")


def main() -> None:
    """Draw, choose, judge, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prior", help="`world`, or the checkpoint of another of the codec `demo`")
    parser.add_argument("--world", type=Path, default=WORLD, help="folder of shards")
    parser.add_argument("--out", type=Path, default=Path(), help="folder to write to")
    parser.add_argument("--captions", type=int, default=64)
    parser.add_argument("--best-of", type=int, default=16)
    parser.add_argument("--scorer", default=CHOOSING_SCORER)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = ZeroShotConfig(
        world=str(args.world),
        num_captions=args.captions,
        best_of=args.best_of,
        scorer=args.scorer,
        sampling=SampleSettings(temperature=args.temperature, seed=args.seed),
    )
    inputs = {CODEC: "demo", PRIOR: prior_url(args.prior)}
    task: Any = SimpleNamespace(url=inputs.__getitem__)
    found = sample_held_out(task, config, show_progress)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "zero_shot.parquet").write_bytes(found.table)
    (args.out / "zero_shot.png").write_bytes(found.sheet)
    (args.out / "figures.json").write_text(json.dumps(found.metrics, indent=1))
    for view in curves(config, found.metrics, ""):
        (args.out / "curve.svg").write_text(charts.curves(view))
    print_curves(pq.read_table(pa.BufferReader(found.table)).to_pylist(), args.best_of)


if __name__ == "__main__":
    main()

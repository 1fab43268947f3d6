"""Make of a trained prior the file that ships: `python -m tools.small_world.ship PRIOR`."""

import argparse

import torch

from dalle_model.prior.shipped import prior_url
from dalle_model.prior.trained import load_prior, save_prior


def main() -> None:
    """Write the weights in bfloat16."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prior", help="checkpoint that `dalle train prior` wrote")
    print(save_prior(prior_url("world"), load_prior(parser.parse_args().prior), torch.bfloat16))


if __name__ == "__main__":
    main()

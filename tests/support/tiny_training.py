"""A run of a tiny model, for tests of what is saved of one.

The batch of a step is a function of the step; ranks share it.
"""

from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn import functional
from torch.optim import Optimizer

from dalle_model import files
from dalle_model.train.checkpoint_folders import RunFolder
from dalle_model.train.optimizers import Adam, muon_and_adamw, named_state
from dalle_model.train.origin import origin_of
from dalle_model.training_settings import Training

TINY_TRAINING = Training(steps=12, batch_size=4, threads=1, checkpoint_every=1)


def folder_of(out_url: str, settings: Training = TINY_TRAINING) -> RunFolder:
    """Of its checkpoints."""
    return RunFolder(out_url, origin_of(settings, {"width": 8}, rows="drawn"))


class TinyModel(nn.Module):
    """Matrices in blocks, a gain and a table, so that Muon and AdamW both have work."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(16, 8)
        self.blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(2))
        self.norm = nn.LayerNorm(8)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.table(ids)
        for block in self.blocks:
            x = x + block(x).tanh()
        return self.norm(x)


class TinyRun:
    """A `dalle_model.train.checkpoints.Resumable`."""

    def __init__(
        self, optimizer: Literal["adamw", "muon"] = "muon", seed: int = 0, is_sharded: bool = False
    ) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.model = TinyModel()
        if is_sharded:
            fully_shard(self.model)
        self.objective: nn.Module = self.model
        self.optimizers: list[Optimizer] = muon_and_adamw(
            self.model, optimizer, Adam(1e-2, (0.9, 0.99)), 1e-2, 1e-2, torch.float32
        )
        self.step, self.position = 0, 0
        self.recent: dict[str, float] = {}

    def state_dict(self) -> dict[str, Any]:
        weights = {f"weights.{name}": w for name, w in self.model.state_dict().items()}
        moments = named_state(self.model, self.optimizers)
        return {**weights, **moments, "step": self.step, "recent": self.recent}

    def load_state_dict(self, values: dict[str, Any]) -> None:
        self.step, self.recent = values["step"], values["recent"]

    def take_step(self) -> None:
        draw = torch.Generator().manual_seed(self.step)
        ids, y = torch.randint(16, (4,), generator=draw), torch.randn(4, 8, generator=draw)
        rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        loss = functional.mse_loss(self.objective(ids[rank::ranks]), y[rank::ranks])
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        self.model.zero_grad()
        self.step += 1
        self.recent = {"loss": loss.item()}

    def tensors(self) -> dict[str, Tensor]:
        """All that are saved, whole."""
        saved = {n: v for n, v in self.state_dict().items() if isinstance(v, Tensor)}
        return {n: v.full_tensor() if isinstance(v, DTensor) else v for n, v in saved.items()}

    def digest(self) -> str:
        """SHA-256 of all that is saved."""
        parts = [value.numpy().tobytes() for _, value in sorted(self.tensors().items())]
        return files.sha256(b"".join(parts) + repr((self.step, self.recent)).encode())

"""Data-parallel training under `torchrun`: every process takes a share of each batch; gradients are averaged."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from stylecli.core.errors import UsageError


@dataclass(frozen=True)
class Processes:
    """The processes of one training, and this one's number among them."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that writes and reports."""
        return self.rank == 0

    def share_of(self, batch: int) -> tuple[int, int]:
        """Return (first, count) of this process's pictures in a batch.

        Raises:
            UsageError: the batch is no multiple of the number of processes; averages would weigh pictures differently.
        """
        if batch % self.count:
            raise UsageError(
                f"batch {batch} for {self.count} processes: cannot be dealt out evenly",
                hint=f"Set batch to a multiple of {self.count}.",
            )
        count = batch // self.count
        return self.rank * count, count

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        self._average(flat)
        for gradient, mean in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def average_losses(self, losses: dict[str, Tensor]) -> dict[str, float]:
        """Return the losses as numbers: means over the processes."""
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        if self.count > 1:
            self._average(values)
        return dict(zip(losses, values.tolist(), strict=True))

    def broadcast(self, value: Any) -> Any:
        """Return the first process's value in all processes; it must be picklable."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box)
        return box[0]

    def _average(self, tensor: Tensor) -> None:
        dist.all_reduce(tensor)
        tensor /= self.count


@contextmanager
def process_group() -> Iterator[Processes]:
    """Join the processes that `torchrun` has started, if any, for the `with`."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes()
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Processes(dist.get_rank(), count)
        dist.barrier()  # end together: a process that ends early closes connections that others still use
    finally:
        dist.destroy_process_group()

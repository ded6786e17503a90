"""Several processes that train one model: each takes a share of every batch, their gradients are summed.

Started as torchrun starts them, one for each GPU or each core: ``torchrun --standalone --nproc-per-node 2 -m flows.cli
train CONFIG``. Every process draws the same examples in the same order and has the same weights throughout, so that a
run may go on with another number of processes than it began with.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed

from extractors.training.packing import Sample


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process, number ``rank`` of ``size``, ``local`` on its machine. Alone, all of its methods do nothing."""

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes what is written."""
        return self.rank == 0

    def share(self, samples: Sequence[Sample]) -> list[Sample]:
        """What of a batch is this process's: about as many tokens as every other's."""
        shares: list[list[Sample]] = [[] for _ in range(self.size)]
        loads = [0] * self.size
        for sample in sorted(samples, key=lambda one: -one.tokens):
            least = loads.index(min(loads))
            shares[least].append(sample)
            loads[least] += sample.tokens
        return shares[self.rank]

    def total(self, figure: float) -> float:
        """The sum of a figure over the processes, the same in all of them."""
        if self.size == 1:
            return figure
        sums = torch.tensor([figure], dtype=torch.float64, device=_device())
        distributed.all_reduce(sums)
        return float(sums)

    def sum_gradients(self, parameters: Sequence[torch.Tensor]) -> None:
        """Sums the gradients over the processes, in place; one that no process has stays away."""
        if self.size == 1:
            return
        there = torch.tensor([p.grad is not None for p in parameters], dtype=torch.int32, device=_device())
        distributed.all_reduce(there, distributed.ReduceOp.MAX)
        wanted = [p for p, some in zip(parameters, there.tolist(), strict=True) if some]
        if not wanted:
            return
        for parameter in wanted:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        flat = torch.cat([p.grad.flatten() for p in wanted if p.grad is not None]).to(_device())
        distributed.all_reduce(flat)
        at = 0
        for parameter in wanted:
            end = at + parameter.numel()
            parameter.grad = flat[at:end].view_as(parameter).to(parameter.device)
            at = end

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


ALONE = Ranks()


@contextmanager
def joined() -> Iterator[Ranks]:
    """The processes that torchrun started, if it did; within, they can talk."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield ALONE
        return
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield Ranks(distributed.get_rank(), size, int(os.environ.get("LOCAL_RANK", "0")))
    finally:
        distributed.destroy_process_group()


def _device() -> torch.device:
    """Where the processes exchange numbers."""
    if distributed.get_backend() == "nccl":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")

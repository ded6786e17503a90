"""Where a word stands, added to the embeddings of its tokens: the language half sees columns and not only lines.

Each token of a page's words has three coordinates in `BINS` steps of the page: left edge, right edge, middle height.
Each step has a vector, and the three are added to the token's own, as in LayoutLM (Xu et al. 2020, arXiv:1912.13318).
They begin as zeros, so that a model that never knew coordinates answers as before, and cost no token of the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

BINS = 128
COORDINATES = 3
NAME = "layout"
WEIGHT = f"{NAME}.weight"


class LayoutEmbedding(nn.Module):
    """Vectors of coordinates, ``weight`` (`COORDINATES`, `BINS` + 1, hidden size); step 0 means no place.

    ``boxes``, (1, tokens, `COORDINATES`), are those of the pass under way; ``None``: of no token a place is known.
    """

    def __init__(self, hidden_size: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(COORDINATES, BINS + 1, hidden_size, dtype=dtype))
        self.boxes: torch.Tensor | None = None

    def forward(self, boxes: torch.Tensor) -> torch.Tensor:
        """The vectors to add, (1, tokens, hidden size)."""
        found = [nn.functional.embedding(boxes[..., i], self.weight[i]) for i in range(COORDINATES)]
        added: torch.Tensor = torch.stack(found).sum(dim=0) * (boxes[..., :1] > 0)
        return added


def attach_layout(model: Any) -> LayoutEmbedding:
    """Gives an image-text-to-text model coordinates; one that has them keeps them."""
    known = layout_of(model)
    if known is not None:
        return known
    table = model.get_input_embeddings()
    layout = LayoutEmbedding(table.weight.shape[1], table.weight.dtype).to(table.weight.device)
    model.add_module(NAME, layout)

    def add(module: nn.Module, given: Any, embedded: torch.Tensor) -> torch.Tensor:
        if layout.boxes is None:
            return embedded
        places: torch.Tensor = layout(layout.boxes.to(embedded.device))
        return embedded + places.to(embedded.dtype)

    table.register_forward_hook(add)
    return layout


def layout_of(model: Any) -> LayoutEmbedding | None:
    """The coordinates of a model that has them."""
    found = getattr(model, NAME, None)
    return found if isinstance(found, LayoutEmbedding) else None


@contextmanager
def placed(model: Any, boxes: torch.Tensor | None) -> Iterator[None]:
    """Within, the tokens of a pass stand where ``boxes`` say; nothing happens to a model without coordinates.

    Args:
        model: an image-text-to-text model.
        boxes: (1, tokens, `COORDINATES`), one row for each token of the pass.
    """
    layout = layout_of(model)
    if layout is None:
        yield
        return
    layout.boxes = boxes
    try:
        yield
    finally:
        layout.boxes = None

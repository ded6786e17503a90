"""What is trained: LoRA on the language half, tower and connector in full; fp32 masters that the optimiser moves.

Weights compute in their own type (bf16 as a rule), which would round small steps away.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import nn

from extractors.models.layout import WEIGHT, attach_layout, layout_of
from extractors.models.load import ADAPTER_FILE, VISION_FILE
from extractors.training.config import TrainConfig
from extractors.training.fused import fuse
from extractors.training.packing import packed_attention
from schemas.errors import ModelError

MOST_VISION = 100_000_000
"""Parameters of a vision half up to which it is trained in full: masters and moments take 12 bytes for each."""
CONNECTORS = ("connector", "merger")
"""What joins the vision half to the language half is called so (Idefics3 and SmolVLM; Qwen2.5-VL)."""
PROJECTIONS = r"(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


class TrainedWeights:
    """The trained part of a model, and its optimiser.

    Args:
        config: the run.
        model: an image-text-to-text model in its compute type; it gets LoRA layers.
        adapter: tuned model folder to begin with, on the same base.

    Raises:
        ModelError: the adapter does not fit.

    Attributes:
        model: the model with LoRA layers (peft).
        live: the trained parameters by name, as the model computes with them.
        master: the same in float32.
        exported: what a model folder holds beside the adapter: of the vision half what is trained, or came tuned.
    """

    def __init__(self, config: TrainConfig, model: Any, adapter: Path | None = None) -> None:
        from peft import LoraConfig, get_peft_model

        self.config = config
        for parameter in model.parameters():
            parameter.requires_grad = False
        decoder = decoder_name(model)
        if config.layout or (adapter is not None and has_layout(adapter)):
            attach_layout(model)
        vision = _trained_vision(model, decoder, config.train_vision)
        lora = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,
            lora_dropout=0.0,
            target_modules=rf".*{decoder.rpartition('.')[2]}.*\.{PROJECTIONS}",
        )
        # The adapter stays in the compute type; its fp32 copy is the optimiser's.
        with warnings.catch_warnings():
            # peft asks the model for a property by its old name.
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
            self.model = get_peft_model(model, lora, autocast_adapter_dtype=False)
        prefix = "base_model.model."
        named = dict(self.model.named_parameters())
        self.vision = {name: named[prefix + name] for name in sorted(vision)}
        for parameter in self.vision.values():
            parameter.requires_grad = True
        kept: set[str] = set()
        if adapter is not None:
            load_adapter(self.model, adapter)
            kept = vision_of(adapter)
        self.exported = {n: named[prefix + n] for n in sorted(vision | kept) if prefix + n in named}
        self.live = {n: p for n, p in named.items() if p.requires_grad}
        self.master = {n: p.detach().float().clone() for n, p in self.live.items()}
        packed_attention(self.untuned)
        fuse(self.model)
        if config.gradient_checkpointing:
            model.activation_checkpointing_enable({"use_reentrant": False})
        self.optimizer = self._optimizer({prefix + name for name in vision})

    @property
    def untuned(self) -> Any:
        """The image-text-to-text model under peft's, its layers tuned all the same."""
        return self.model.get_base_model()

    def _optimizer(self, vision: set[str]) -> torch.optim.Optimizer:
        groups = [
            {
                "params": [self.master[n] for n in self.live if n not in vision],
                "rate": self.config.learning_rate,
            }
        ]
        seen = [self.master[n] for n in self.live if n in vision]
        if seen:
            groups.append({"params": seen, "rate": self.config.vision_learning_rate})
        decay = self.config.weight_decay
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), weight_decay=decay, fused=True)

    @torch.no_grad()
    def collect(self) -> None:
        """Adds the gradients of a pass to the masters', in float32."""
        for name, parameter in self.live.items():
            if parameter.grad is None:
                continue
            master = self.master[name]
            if master.grad is None:
                master.grad = parameter.grad.float()
            else:
                master.grad += parameter.grad
            parameter.grad = None

    def step(self, rate: float) -> None:
        """One step of the optimiser at a share ``rate`` (0..1) of the learning rates."""
        nn.utils.clip_grad_norm_(list(self.master.values()), self.config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.to_live()

    @torch.no_grad()
    def put(self, tensors: dict[str, torch.Tensor]) -> None:
        """Other values for the masters, and so for the model."""
        for name, master in self.master.items():
            master.copy_(tensors[name])
        self.to_live()

    @torch.no_grad()
    def to_live(self) -> None:
        """The masters' values into the model."""
        torch._foreach_copy_(list(self.live.values()), [self.master[n] for n in self.live])


def load_adapter(model: Any, folder: Path) -> None:
    """Puts the adapter of a tuned model folder, and its tower and connector, into a peft model.

    Raises:
        ModelError: the folder's files are missing, damaged, or of other shapes.
    """
    from peft import set_peft_model_state_dict

    try:
        found: Any = set_peft_model_state_dict(model, load_file(folder / ADAPTER_FILE))
        strange = list(found.unexpected_keys)
        if (folder / VISION_FILE).is_file():
            tensors = load_file(folder / VISION_FILE)
            if layout_of(model.get_base_model()) is None:
                tensors.pop(WEIGHT, None)
            _, unexpected = model.get_base_model().load_state_dict(tensors, strict=False)
            strange += unexpected
        if strange:
            raise ValueError(f"it has tensors that the base has not: {', '.join(strange[:3])}")
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise ModelError(
            f"The model in {folder} cannot be begun with: {str(error).splitlines()[0]}",
            remedy="Restore the folder's files, or start from another model.",
        ) from error


def vision_of(folder: Path) -> set[str]:
    """Names of the tensors beside the adapter of a tuned model; of a file that cannot be read none."""
    try:
        with safe_open(folder / VISION_FILE, "pt") as tensors:
            return set(tensors.keys())
    except (OSError, SafetensorError):
        return set()


def decoder_name(model: Any) -> str:
    """The name of the language half in an image-text-to-text model, such as ``model.text_model``."""
    decoder = model.get_decoder()
    names: list[str] = [name for name, module in model.named_modules() if module is decoder]
    return names[0]


def has_layout(folder: Path) -> bool:
    """Whether the tuned model in a folder knows coordinates."""
    return WEIGHT in vision_of(folder)


def _trained_vision(model: Any, decoder: str, wanted: bool | str) -> set[str]:
    """Names of what is trained in full: coordinates, where there are some, and of the vision half what is wanted."""
    layout = {WEIGHT} if layout_of(model) is not None else set()
    return _seen(model, decoder, wanted) | layout


def _seen(model: Any, decoder: str, wanted: bool | str) -> set[str]:
    names = vision_names(model, decoder) - {WEIGHT} if wanted else set()
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters() if name in names}
    if wanted == "auto" and sum(sizes.values()) > MOST_VISION:
        return {name for name in names if any(part in CONNECTORS for part in name.split("."))}
    return names


def vision_names(model: Any, decoder: str) -> set[str]:
    """Names of the parameters that are neither the language half's nor the head's: tower and connector."""
    head = {id(parameter) for parameter in model.get_output_embeddings().parameters()}
    return {
        name
        for name, parameter in model.named_parameters()
        if not name.startswith(decoder + ".") and id(parameter) not in head
    }

"""The fine-tuning loop: LoRA on the language half, full training of tower and connector, loss on the answer only.

Weights compute in bf16; what is trained has an fp32 master copy that the optimiser moves, because bf16 would round
small steps away. One window per forward pass (no padding), gradients accumulated over ``batch_windows``.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from extractors.prompting.encode import count_tokens, encode
from extractors.training.checkpoint import Position, check_base, load_checkpoint, save_checkpoint
from extractors.training.config import TrainConfig
from extractors.training.dataset import Example
from extractors.training.stream import ExampleStream, LoadDocument
from schemas.errors import UsageError

SHAPE_STEP = 64
"""Tokens. Passes are padded behind their end, where causal attention does not look, to multiples of this: for weights
that are not packed oneDNN builds its kernels anew for every length, which took as long as the pass itself."""
LORA_TARGETS = r".*text_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimiser step, as it is logged: mean answer-token loss, tokens so far, rate of tokens per second."""

    step: int
    epoch: int
    tokens: int
    loss: float
    learning_rate: float
    tokens_per_second: float
    dev_loss: float | None = None


Report = Callable[[StepReport], None]


class Trainer:
    """A run over a model. ``model`` is an image-text-to-text model in its compute dtype; it gets LoRA layers."""

    def __init__(self, config: TrainConfig, model: Any, processor: Any, load: LoadDocument) -> None:
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(config.seed)
        self.config = config
        self.processor = processor
        for parameter in model.parameters():
            parameter.requires_grad = False
        lora = LoraConfig(
            r=config.lora_rank, lora_alpha=config.lora_alpha, lora_dropout=0.0, target_modules=LORA_TARGETS
        )
        # The adapter stays in the compute dtype; its fp32 copy is the optimiser's.
        self.model = get_peft_model(model, lora, autocast_adapter_dtype=False)
        self.vision = _vision_parameters(self.model) if config.train_vision else {}
        for parameter in self.vision.values():
            parameter.requires_grad = True
        self.live = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.master = {n: p.detach().float().clone() for n, p in self.live.items()}
        self.optimizer = self._optimizer()
        self.stream = ExampleStream(config, load, lambda texts: count_tokens(processor, list(texts)))
        self.position = Position()

    def _optimizer(self) -> torch.optim.Optimizer:
        vision = {id(p) for p in self.vision.values()}
        own = [n for n, p in self.live.items() if id(p) not in vision]
        seen = [n for n, p in self.live.items() if id(p) in vision]
        groups = [{"params": [self.master[n] for n in own], "rate": self.config.learning_rate}]
        if seen:
            groups.append(
                {"params": [self.master[n] for n in seen], "rate": self.config.vision_learning_rate}
            )
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), weight_decay=self.config.weight_decay)

    def train(self, report: Report = lambda step: None) -> None:
        """Runs until the token budget is spent; goes on from the last checkpoint in ``config.output``."""
        output = self.config.output
        output.mkdir(parents=True, exist_ok=True)
        check_base(output, self.config.base)
        resumed = load_checkpoint(output, self.master, self.optimizer)
        if resumed:
            self.position = resumed
            self._to_live()
        else:
            (output / "metrics.jsonl").unlink(missing_ok=True)
        (output / "config.json").write_text(self.config.model_dump_json(indent=1))
        _forget_later(output / "metrics.jsonl", self.position.step)
        dev = self.stream.dev(self.config.dev_windows)
        self.model.train()
        examples = self._examples()
        while self.position.tokens < self.config.max_tokens:
            line = self._step(examples)
            if dev and self.position.step % self.config.dev_every == 0:
                line = _with_dev(line, self.dev_loss(dev))
            with (output / "metrics.jsonl").open("a") as log:
                log.write(json.dumps({k: getattr(line, k) for k in StepReport.__slots__}) + "\n")
            report(line)
            if self.position.step % self.config.checkpoint_every == 0:
                save_checkpoint(output, self.master, self.optimizer, self.position)
        save_checkpoint(output, self.master, self.optimizer, self.position)

    def _examples(self) -> Iterator[Example]:
        """Examples from the run's position on; moves the position as they are taken."""
        skip = self.position.example
        while True:
            for example in self.stream.epoch(self.position.epoch):
                if skip:
                    skip -= 1
                    continue
                self.position.example += 1
                yield example
            if self.position.example == 0:
                folders = ", ".join(str(one.folder) for one in self.config.sets)
                raise UsageError(
                    f"There is nothing to train on in {folders}: no document of the split has a known label.",
                    remedy="Look at splits.json, at truth/, and whether its keys are the schema's fields.",
                )
            self.position.epoch += 1
            self.position.example = 0

    def _step(self, examples: Iterator[Example]) -> StepReport:
        began = time.perf_counter()
        tokens = 0
        total, count = 0.0, 0
        for _ in range(self.config.batch_windows):
            loss, answer_tokens, seen = self._loss(next(examples))
            (loss / self.config.batch_windows).backward()  # type: ignore[no-untyped-call]
            total += float(loss) * answer_tokens
            count += answer_tokens
            tokens += seen
        self.position.tokens += tokens
        rate = self._rate(self.position.tokens)
        self._update(rate)
        self.position.step += 1
        seconds = time.perf_counter() - began
        return StepReport(
            self.position.step,
            self.position.epoch,
            self.position.tokens,
            round(total / count, 5),
            rate * self.config.learning_rate,
            round(tokens / seconds, 1),
        )

    def _loss(self, example: Example) -> tuple[torch.Tensor, int, int]:
        """Mean cross entropy over the answer's tokens; how many they are; tokens of the whole pass."""
        with_image = random.Random(f"{self.config.seed}{example.answer}").random() < self.config.image_share
        encoded = encode(
            self.processor, example.schema, example.window, example.document, with_image=with_image
        )
        tokenizer = self.processor.tokenizer
        answer = tokenizer(example.answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        target = torch.tensor(answer)
        device = next(iter(self.live.values())).device
        ids = torch.cat([encoded.input_ids, target[None, :]], dim=1)
        end = ids.shape[1]
        ids = nn.functional.pad(ids, (0, -end % SHAPE_STEP), value=tokenizer.eos_token_id).to(device)
        # Body and head apart: the head over a flat (tokens, width) input spares a copy of its whole table.
        untuned: Any = self.model.get_base_model()
        body = untuned.base_model(
            input_ids=ids, use_cache=False, **{k: v.to(device) for k, v in encoded.extra.items()}
        )
        before = min(-len(answer) % SHAPE_STEP, end - 1 - len(answer))
        hidden = body.last_hidden_state[0, end - 1 - len(answer) - before : end - 1]
        logits = untuned.get_output_embeddings()(hidden)[before:].float()
        return nn.functional.cross_entropy(logits, target.to(device)), len(answer), end

    def _rate(self, tokens: int) -> float:
        """The schedule, 0..1: linear warm-up, then linear decay over the token budget."""
        done = min(tokens / self.config.max_tokens, 1.0)
        if done < self.config.warmup_share:
            return done / self.config.warmup_share
        left = 1 - (done - self.config.warmup_share) / (1 - self.config.warmup_share)
        return self.config.final_rate_share + (1 - self.config.final_rate_share) * left

    def _update(self, rate: float) -> None:
        for name, parameter in self.live.items():
            gradient = parameter.grad
            self.master[name].grad = None if gradient is None else gradient.float()
            parameter.grad = None
        nn.utils.clip_grad_norm_(list(self.master.values()), self.config.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * rate
        self.optimizer.step()
        self._to_live()

    @torch.no_grad()
    def _to_live(self) -> None:
        for name, parameter in self.live.items():
            parameter.copy_(self.master[name])

    def vision_state(self) -> dict[str, torch.Tensor]:
        """Tower and connector under their names in the untuned model."""
        prefix = "base_model.model."
        return {name.removeprefix(prefix): p for name, p in self.vision.items()}

    @torch.no_grad()
    def dev_loss(self, examples: list[Example]) -> float:
        """Mean loss per answer token over some windows."""
        self.model.eval()
        total, count = 0.0, 0
        for example in examples:
            loss, answer_tokens, _ = self._loss(example)
            total += float(loss) * answer_tokens
            count += answer_tokens
        self.model.train()
        return round(total / max(count, 1), 5)


def _vision_parameters(model: Any) -> dict[str, nn.Parameter]:
    """Tower and connector, by their names in the model."""
    marks = ("vision_model.", "connector.")
    return {n: p for n, p in model.named_parameters() if any(m in n for m in marks)}


def _with_dev(line: StepReport, dev_loss: float) -> StepReport:
    values = {k: getattr(line, k) for k in StepReport.__slots__} | {"dev_loss": dev_loss}
    return StepReport(**values)


def _forget_later(log: Path, step: int) -> None:
    """Drops logged steps after the checkpoint; they are about to be run again."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines() if json.loads(line)["step"] <= step]
        log.write_text("".join(line + "\n" for line in lines))

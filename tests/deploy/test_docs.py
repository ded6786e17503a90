"""README.md and UPGRADING.md of deploy/: what they tell to type can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import pytest

from tests.deploy.files import DEPLOY, ROOT, compose, require_real

PAGES = ("README.md", "UPGRADING.md")


def commands(page: str) -> Iterator[list[str]]:
    """Every command line of a page, in words, without its comment."""
    text = (DEPLOY / page).read_text(encoding="utf-8")
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in re.findall(r"^\$ ((?:.*\\\n)*.*)", block, re.MULTILINE):
            lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars="&|;")
            lexer.whitespace_split, lexer.commenters = True, "#"
            part: list[str] = []
            for word in lexer:
                if word in ("&&", "&", ";", "|"):
                    yield part
                    part = []
                else:
                    part.append(word)
            yield part


@pytest.mark.parametrize("page", PAGES)
def test_commands_are_real(page: str) -> None:
    known = 0
    for words in commands(page):
        if words and words[0] == "parquetry":
            require_real(words)
            known += 1
        if words[:2] == ["prefect", "server"] or words[:2] == ["prefect", "worker"]:
            require_real(words)
    assert known >= 2


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page: str) -> None:
    services = set(compose()["services"])
    for words in commands(page):
        for word in words:
            if word.startswith("deploy/") and not word.startswith(("deploy/.env", "deploy/secrets")):
                assert (ROOT / word).exists(), word
        if words[:2] == ["docker", "compose"]:
            verb = next((word for word in words[4:] if word in ("run", "exec", "stop", "logs")), None)
            if verb:
                plain = [w for w in words[words.index(verb) + 1 :] if not w.startswith("-") and ":" not in w]
                assert plain[0] in services, words


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        text = (DEPLOY / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", text):
            assert target.startswith("http") or (DEPLOY / target).exists(), (page, target)

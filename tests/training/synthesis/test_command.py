"""The command that writes synthetic documents to look at."""

import json
from pathlib import Path

import pytest
from PIL import Image

from extractors.training.synthesis.__main__ import main


def test_documents_truths_and_pictures_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "new"
    assert main(["--out", str(folder), "--count", "3", "--seed", "5", "--kind", "receipt"]) == 0
    truths = sorted((folder / "truth").iterdir())
    assert [path.stem for path in truths] == [f"receipt-{seed:06}" for seed in (5, 6, 7)]
    for path in truths:
        assert json.loads(path.read_text(encoding="utf-8"))["total"]
        assert (folder / "docs" / f"{path.stem}.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(folder / "contact.png") as picture:
        assert picture.width > 3 * 400
        assert picture.convert("L").getextrema() == (0, 255)
    assert "3  receipt" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--count", "0"], "--count is 0"),
        (["--kind", "poem"], "poem"),
        (["--locale", "xx_XX"], "xx_XX"),
        (["--layout", "spiral"], "spiral"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(
    arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), *arguments]) == 2
    assert told in capsys.readouterr().err


def test_a_file_in_the_way_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    assert main(["--out", str(tmp_path / "taken"), "--count", "1"]) == 2
    assert "taken" in capsys.readouterr().err

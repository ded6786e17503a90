"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from scripts.check_modules import violations

ROOT = Path(__file__).parents[2]


def tree(root: Path, lines: int, debt: str = "") -> Path:
    (root / "schemas").mkdir()
    (root / "schemas" / "long.py").write_text("x = 1\n" * lines)
    (root / "pyproject.toml").write_text(
        f"[tool.parquetry.modules]\nmax_lines = 10\n[tool.parquetry.modules.debt]\n{debt}"
    )
    return root


def test_no_module_is_too_long() -> None:
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("lines", "debt", "complaint"),
    [
        (11, "", "11 lines, 10 allowed"),
        (13, '"schemas/long.py" = 12', "13 lines, 12 allowed"),
        (9, '"schemas/long.py" = 12', "the debt is paid"),
        (9, '"schemas/gone.py" = 12', "no such module"),
    ],
)
def test_too_long_or_stale_debt_is_told(tmp_path: Path, lines: int, debt: str, complaint: str) -> None:
    (found,) = violations(tree(tmp_path, lines, debt))
    assert complaint in found


def test_debt_within_its_limit_is_silent(tmp_path: Path) -> None:
    assert violations(tree(tmp_path, 12, '"schemas/long.py" = 12')) == []


def test_flows_does_not_shadow_the_standard_library() -> None:
    """Prefect puts that folder on ``sys.path`` when a flow is named by its file."""
    names = {path.stem for path in (ROOT / "flows").iterdir()} - {"__init__", "__pycache__"}
    assert len(names) > 10
    assert names & sys.stdlib_module_names == set()


def test_schemas_imports_the_standard_library_and_pydantic_only() -> None:
    allowed = sys.stdlib_module_names | {
        "schemas",
        "pydantic",
        "pydantic_core",
    }  # the second is the engine of the first
    for path in (ROOT / "schemas").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                assert module.split(".")[0] in allowed, f"{path.name} imports {module}"


def test_extractors_takes_no_settings_from_the_environment() -> None:
    """Settings arrive as `extractors.options`; the exception prepares the processor for torch."""
    readers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "extractors").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    # How torchrun tells a process its number is no setting; the package itself only writes what keeps libraries quiet.
    assert readers <= {"extractors/__init__.py", "extractors/models/cpu.py", "extractors/training/ranks.py"}

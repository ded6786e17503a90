"""``parquetry models``: what is promoted, by whom, why; that runs take it, keep it, and say so. On both databases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from extractors.models.load import model_description
from extractors.models.manifest import check_folder
from extractors.models.stored import find_stored
from flows import composition
from flows.cli import main
from flows.ledger.store import Ledger
from flows.modelstore import fetch, pinned
from flows.settings import Settings, load_settings
from schemas.errors import ModelError
from tests.modelstore.making import write_checkpoint, write_evaluation, write_tuned


@pytest.fixture
def cache(tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PARQUETRY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PARQUETRY_DATABASE", ledger_url)
    monkeypatch.setenv("PARQUETRY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def models(*words: str) -> int:
    return main(["models", *words])


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    assert models(*words) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def test_two_models_are_promoted_one_after_the_other_and_rolled_back(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert models("fetch", str(write_tuned(tmp_path / "runs" / "bills" / "model"))) == 0
    first = capsys.readouterr().out.strip()
    assert models("fetch", str(write_tuned(tmp_path / "next", seed=1.0)), "--name", "bills-2") == 0
    second = capsys.readouterr().out.strip()

    id_at_its_source = model_description(str(tmp_path / "runs" / "bills" / "model")).model_id
    report = write_evaluation(tmp_path / "report" / "report.json", id_at_its_source)
    evaluated = ["--evaluation", str(report.parent)]
    assert models("promote", "bills", *evaluated, "--by", "ada", "--reason", "first") == 0
    printed = capsys.readouterr()
    assert "F1 0.875 on 12 documents" in printed.out
    assert "cannot fetch it from there" in printed.err
    assert models("promote", second, "--without-evaluation", "--reason", "trial", "--by", "bob") == 0
    assert "unevaluated" in capsys.readouterr().out

    found = told(capsys, "list", "--json")
    assert [one["promoted"] is not None for one in found["models"]] == [False, True]
    assert found["promoted"]["actor"] == "bob" and found["promoted"]["reason"] == "trial"
    assert found["models"][0]["base"] == "embedded-base"
    assert found["models"][0]["calibration"]["schemas"] == ["bill"]

    assert models("rollback", "--by", "eve", "--reason", "worse") == 0
    assert "In force again: bills " in capsys.readouterr().out
    steps = told(capsys, "list", "--history", "--json")
    assert [(one["name"], one["actor"], one["reason"]) for one in steps] == [
        ("bills", "eve", "worse"),
        ("bills-2", "bob", "trial"),
        ("bills", "ada", "first"),
    ]
    assert steps[0]["restores"] == steps[2]["number"]
    assert pinned("promoted", load_settings()).model == first
    # What spoke for it once speaks for it again.
    assert models("promote", "bills-2", "--without-evaluation", "--reason", "x") == 0
    assert models("promote", "bills") == 0
    assert models("list") == models("list", "--history") == models("show", "bills", "--verify") == 0
    shown = capsys.readouterr().out
    assert "bills-2" in shown and "rolled back to" in shown and "dev f1 0.75" in shown
    assert "every byte verified" in shown


def test_what_lacks_an_evaluation_is_promoted_for_a_reason_only(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(str(write_checkpoint(tmp_path / "bills")), cache)
    for words, said in [
        (["promote", "bills"], "has no evaluation"),
        (["promote", "bills", "--without-evaluation"], "for a reason only"),
        (["promote", "bills", "--without-evaluation", "--reason", " "], "for a reason only"),
        (["promote", "bills", "--evaluation", "nowhere"], "cannot be read"),
        (["promote", "bills", "--evaluation", str(tmp_path / "bills" / "config.json")], "no evaluation"),
    ]:
        assert models(*words) == 2, words
        assert said in " ".join(capsys.readouterr().err.split()), words
    other = write_evaluation(tmp_path / "other.json", "bills-0123456789ab")
    assert models("promote", "bills", "--evaluation", str(other)) == 2
    assert "is an evaluation of bills-0123456789ab" in " ".join(capsys.readouterr().err.split())
    own = model_description("bills", cache).model_id
    empty = write_evaluation(tmp_path / "empty.json", own, documents=0)
    assert models("promote", "bills", "--evaluation", str(empty)) == 2
    assert told(capsys, "list", "--json")["promoted"] is None


def test_an_evaluation_that_lies_with_the_model_counts(cache: Path, tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "bills")
    before = model_description(str(folder))
    write_evaluation(folder / "evaluation.json", before.model_id)
    assert model_description(str(folder)).model_id == before.model_id  # told of it, and no part of it
    fetch(str(folder), cache)
    assert models("promote", "bills") == 0
    with Ledger.open(load_settings().database_url) as ledger:
        now = ledger.promoted_model()
    assert now is not None and now.evaluation is not None and now.evaluation["f1"] == 0.875
    assert now.actor.count("@") == 1


@pytest.mark.parametrize("file", ["model.safetensors", "README.md", "manifest.json"])
def test_a_model_that_was_changed_is_not_promoted(
    file: str, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = fetch(str(write_checkpoint(tmp_path / "bills")), cache)
    path = found.folder / file
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(
        content.replace(b'"size": ', b'"size": 1') if file == "manifest.json" else content[:-1] + b"!"
    )
    assert models("promote", "bills", "--without-evaluation", "--reason", "x") == ModelError.exit_code
    assert "Fetch it again" in capsys.readouterr().err
    assert models("show", "bills", "--verify") == ModelError.exit_code


def test_words_that_are_wrong_are_named(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, code, said in [
        (["show", "none"], 5, "has no model 'none'"),
        (["show", "embedded"], 5, "no name of a stored model"),
        (["promote", "none"], 5, "has no model 'none'"),
        (["promote", "no/name"], 5, "no name of a stored model"),
        (["rollback"], 2, "No model has been promoted yet"),
        (["fetch", "/nowhere"], 5, "cannot be fetched"),
        (["fetch", "hf://nobody"], 5, "no address of a model"),
    ]:
        assert models(*words) == code, words
        err = " ".join(capsys.readouterr().err.split())
        assert said in err and "What to do:" in err, (words, err)
    with pytest.raises(ModelError, match="No model has been promoted"):
        pinned("promoted", load_settings())
    assert (
        main(["run", "--source", ".", "--schema", "receipt", "--model", "promoted"]) == ModelError.exit_code
    )
    assert (
        main(["extract", "x.pdf", "--schema", "receipt", "--model", "nothing@abcdef0"])
        == ModelError.exit_code
    )


def settings_of_a_run(tmp_path: Path, **more: Any) -> Settings:
    (tmp_path / "in").mkdir(exist_ok=True)
    made = load_settings(source=str(tmp_path / "in"), schema="receipt", model="promoted", **more)
    composition.use(made)
    return made


def test_a_run_keeps_the_model_it_began_with_and_says_which(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch(str(write_tuned(tmp_path / "runs" / "bills" / "model")), cache)
    fetch(str(write_tuned(tmp_path / "other", seed=3.0)), cache)
    settings_of_a_run(tmp_path)
    assert models("promote", "bills", "--without-evaluation", "--reason", "x") == 0
    job = composition.job()
    with composition.opened(job) as parts, parts.run("before"):
        assert models("promote", "other", "--without-evaluation", "--reason", "y") == 0
        # Every process that works on the run makes its parts of the job.
        again = composition.Job.model_validate_json(job.model_dump_json())
        assert composition.parts(again) is parts
        assert parts.model_id.startswith("bills-")
        calibration = parts.extractor.judge.calibrator
        # It was made for the folder as it was called then, and holds: what is in it is the same.
        assert calibration is not None and calibration.model_id.startswith("model-")
    later = composition.job()
    with composition.opened(later) as parts, parts.run("after"):
        assert parts.model_id.startswith("other-")
    with Ledger.open(load_settings().database_url) as ledger:
        used = {name: ledger.run(name) for name in ("before", "after")}
    for name, called in (("before", "bills"), ("after", "other")):
        found = find_stored(called, cache)
        weights = used[name].weights
        assert weights is not None
        assert (weights.name, weights.revision, weights.manifest) == (called, found.digest, found.digest)
        assert used[name].model == model_description(called, cache).model_id
    capsys.readouterr()
    assert main(["status", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert {one["run_id"]: one["weights"]["name"] for one in runs} == {"before": "bills", "after": "other"}


def test_a_machine_without_the_promoted_model_fetches_it_from_where_it_came(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_tuned(tmp_path / "bills")
    found = fetch(str(source), cache)
    assert models("promote", "bills", "--without-evaluation", "--reason", "x") == 0
    monkeypatch.setenv("PARQUETRY_CACHE", str(tmp_path / "other-machine"))
    settings = settings_of_a_run(tmp_path)
    job = composition.job()
    assert (job.model, job.model_uri) == (found.reference, source.as_uri())
    there = find_stored("bills", settings.cache)
    check_folder(there.folder, found.digest)
    monkeypatch.setenv("PARQUETRY_CACHE", str(tmp_path / "third"))
    settings_of_a_run(tmp_path)
    with composition.opened(job) as parts:  # a process that is only handed the job
        assert parts.model_id == model_description("bills", cache).model_id
    (source / "model.json").write_text((source / "model.json").read_text().replace("500", "600"))
    monkeypatch.setenv("PARQUETRY_CACHE", str(tmp_path / "fourth"))
    settings_of_a_run(tmp_path)
    with pytest.raises(ModelError, match="no longer the model"):
        composition.job()


def test_a_setting_may_name_a_stored_model_or_an_address(cache: Path, tmp_path: Path) -> None:
    found = fetch(str(write_tuned(tmp_path / "sources" / "bills")), cache)
    (tmp_path / "bills").mkdir()  # labelled documents, and no model: the name is that of the store
    ours = load_settings()
    assert pinned("bills", ours).model == pinned(f"bills@{found.digest[:9]}", ours).model == found.reference
    assert pinned(f"file://{tmp_path}/sources/bills", ours).model == found.reference
    for plain in (
        "embedded",
        "scripted",
        "vllm",
        str(tmp_path / "sources" / "bills"),
        "http://127.0.0.1:8000/v1",
    ):
        assert pinned(plain, ours).model == plain


def test_a_planted_pickle_ends_a_run_before_it_begins(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tuned(tmp_path / "bills")
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04.")
    (tmp_path / "in").mkdir()
    words = ["run", "--source", str(tmp_path / "in"), "--schema", "receipt", "--model", str(folder)]
    assert main(words) == ModelError.exit_code
    err = " ".join(capsys.readouterr().err.split())
    assert "adapter_model.bin is refused" in err and "What to do:" in err
    with Ledger.open(load_settings().database_url) as ledger:
        assert ledger.status().runs == []


def test_what_others_wrote_into_a_folder_moves_no_cursor_and_breaks_no_list(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_tuned(tmp_path / "hostile")
    evil = "\x1b[2J\x1b]0;owned\x07"
    (folder / "model.json").write_text(json.dumps({"base": "embedded-base", "data": [{"set": evil}]}))
    calibration = json.loads((folder / "calibration" / "calibration.json").read_text())
    calibration |= {"made": evil, "evidence": {"a": {"name": evil, "documents": 5}, "b": 7}}
    (folder / "calibration" / "calibration.json").write_text(json.dumps(calibration))
    name = fetch(str(folder), cache, name="hostile").reference
    capsys.readouterr()
    for line in (["models", "show", name], ["models", "list"]):
        assert main(line) == 0
        out, err = capsys.readouterr()
        assert "\x1b[2J" not in out + err and "\x07" not in out + err
    report = json.loads(write_evaluation(tmp_path / "report.json", "x").read_text())
    for changed in ({"micro": {"f1": float("nan")}}, {"documents": -1}, {"documents": float("inf")}):
        (tmp_path / "report.json").write_text(
            json.dumps(report | {"model": model_description(name, cache).model_id} | changed)
        )
        assert main(["models", "promote", name, "--evaluation", str(tmp_path / "report.json")]) == 2
        assert "no evaluation" in capsys.readouterr().err.replace("of no documents", "no evaluation")

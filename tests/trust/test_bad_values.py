"""Parameters, study files, cards and command lines that are wrong: one line each, before anything is done."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rnastudy import cli
from rnastudy.datasets.cards import read_cards as read_data_cards
from rnastudy.errors import StudyError
from rnastudy.models.cards import read_cards as read_model_cards
from rnastudy.runs import execute, read_parameters, read_study
from rnastudy.runs.execute import checked_parameters, find_notebook
from rnastudy.runs.parameters import declared, parse
from tests.trust.bad_values import (
    CARD_TEXTS,
    COMMANDS,
    DATA_CARD,
    DATA_CARDS,
    DECLARED,
    MODEL_CARD,
    MODEL_CARDS,
    NOTEBOOKS,
    PARAMETERS,
    STUDIES,
    TEXTS,
)
from tests.trust.told import assert_told

FEW = settings(max_examples=60, derandomize=True, deadline=None, database=None)
KNOWN = read_parameters(find_notebook("structure"))
NUMBERS = {"int": "n: int = 1", "float": "n: float = 1.0  # at least 0", "bool": "n: bool = True", "list": "n: list = []", "dict": "n: dict = {}"}


@pytest.fixture(autouse=True)
def in_the_checkout(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is executed, and names are looked up where the study lies."""
    monkeypatch.chdir(root)
    monkeypatch.setattr(execute, "_execute", lambda *_: pytest.fail("a kernel was started"))


def command(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> tuple[Any, str, str]:
    """Exit code, what was said, and what was said of errors."""
    monkeypatch.setattr(sys, "argv", ["rnastudy", *words])
    with pytest.raises(SystemExit) as left:
        cli.main()
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


@pytest.mark.parametrize("kind", PARAMETERS)
def test_a_parameter_that_is_wrong_is_one_line(kind: str) -> None:
    values, said = PARAMETERS[kind]
    with pytest.raises(StudyError) as caught:
        checked_parameters("structure", values)
    assert_told(str(caught.value), said)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_text_that_is_no_value_is_one_line(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    text, said = TEXTS[kind]
    code, out, err = command(["run", "structure", "-p", text], monkeypatch, capsys)
    assert (code, out, err.count("\n"), err[:10]) == (2, "", 1, "rnastudy: ")
    assert_told(err.rstrip("\n"), said)


@pytest.mark.parametrize("kind", DECLARED)
def test_a_parameters_cell_that_is_wrong_is_one_line(kind: str) -> None:
    source, said = DECLARED[kind]
    with pytest.raises(StudyError) as caught:
        declared(source, "a.ipynb")
    assert_told(str(caught.value), said, "a.ipynb")


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_a_file_that_is_no_notebook_is_one_line(kind: str, tmp_path: Path) -> None:
    text, said = NOTEBOOKS[kind]
    (tmp_path / "a.ipynb").write_text(text)
    with pytest.raises(StudyError) as caught:
        read_parameters(tmp_path / "a.ipynb")
    assert_told(str(caught.value), said, "a.ipynb")


@pytest.mark.parametrize("kind", STUDIES)
def test_a_study_file_that_is_wrong_is_one_line(kind: str, tmp_path: Path) -> None:
    text, said = STUDIES[kind]
    (tmp_path / "s.yml").write_text(text)
    with pytest.raises(StudyError) as caught:
        read_study(tmp_path / "s.yml")
    assert_told(str(caught.value), said, "s.yml")


@pytest.mark.parametrize("kind", [*DATA_CARDS, *MODEL_CARDS])
def test_a_card_that_is_wrong_is_one_line(kind: str) -> None:
    changes, said = (DATA_CARDS | MODEL_CARDS)[kind]
    good, read = (DATA_CARD, read_data_cards) if kind in DATA_CARDS else (MODEL_CARD, read_model_cards)
    assert list(read(yaml.safe_dump([good]))) == ["a"]
    entry = {key: value for key, value in (good | changes).items() if value is not None}
    with pytest.raises(StudyError) as caught:
        read(yaml.safe_dump([entry]), "my.yml")
    assert_told(str(caught.value), said, "my.yml")


@pytest.mark.parametrize("kind", CARD_TEXTS)
@pytest.mark.parametrize("read", [read_data_cards, read_model_cards], ids=["data", "models"])
def test_a_text_that_holds_no_cards_is_one_line(kind: str, read) -> None:
    text, said = CARD_TEXTS[kind]
    with pytest.raises(StudyError) as caught:
        read(text, "my.yml")
    assert_told(str(caught.value), said, "my.yml")


def test_a_card_written_twice_is_refused() -> None:
    for good, read in ((DATA_CARD, read_data_cards), (MODEL_CARD, read_model_cards)):
        with pytest.raises(StudyError, match="'a' is written twice; rename"):
            read(yaml.safe_dump([good, good]))


@pytest.mark.parametrize("kind", COMMANDS)
def test_a_command_line_that_is_wrong_is_one_line(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    words, said = COMMANDS[kind]
    code, out, err = command(words, monkeypatch, capsys)
    assert (code, out, err.count("\n"), err[:10]) == (2, "", 1, "rnastudy: ")
    assert_told(err.rstrip("\n"), said)
    assert not Path("x").exists() and not Path("r.json").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device"), OSError(30, "Read-only file system", "a/b")])
def test_what_stops_a_command_from_outside_is_one_line_too(error: BaseException, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr("rnastudy.runs.prepare_book", stop)
    code, out, err = command(["book"], monkeypatch, capsys)
    if isinstance(error, KeyboardInterrupt):
        assert (code, out, err) == (130, "", "")
        return
    assert (code, out, err.count("\n"), err[:10]) == (2, "", 1, "rnastudy: ")
    assert_told(err.rstrip("\n"), str(error.strerror))


# Anything at all -----------------------------------------------------------------------------------------------------

_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text(max_size=3), max_size=3) | st.binary(max_size=5)


@pytest.mark.parametrize("name", KNOWN)
def test_any_text_for_any_parameter(name: str) -> None:
    @FEW
    @given(
        st.text(alphabet=st.characters(codec="utf-8")) | st.sampled_from(["~", "~x", "a@b", "@", "..", "/", "a/../..", "None", "-1", "1e999", "[", "()", "nan"])
    )
    def give(text: str) -> None:
        try:
            checked_parameters("structure", {name: parse(text, KNOWN[name])})
        except StudyError as error:
            assert_told(str(error))

    give()


@pytest.mark.parametrize("name", KNOWN)
def test_any_value_for_any_parameter(name: str) -> None:
    @FEW
    @given(_VALUES)
    def give(value: object) -> None:
        try:
            held = checked_parameters("structure", {name: value})[name]
        except StudyError as error:
            named = name in str(error) or str(error).startswith(("no such file or folder: ", "unknown device ", "model "))
            assert_told(str(error))
            assert named, error
        else:
            assert held == (value.strip(", ") if isinstance(value, str) and KNOWN[name].choices else value)

    give()


@pytest.mark.parametrize("kind", NUMBERS)
def test_any_text_for_any_type(kind: str) -> None:
    known = declared(NUMBERS[kind])["n"]

    @FEW
    @given(
        st.text()
        | st.recursive(st.sampled_from(["1", "x", "'a'", "-"]), lambda inner: inner.map(lambda text: f"[{text}]") | inner.map(lambda text: f"{{{text}: 1}}"))
    )
    def read(text: str) -> None:
        try:
            execute.check({"n": parse(text, known)}, {"n": known}, lambda _: [])
        except StudyError as error:
            assert_told(str(error), "'n'")

    read()


@FEW
@given(
    st.recursive(
        _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*DATA_CARD, *MODEL_CARD]) | st.text(), inner), max_leaves=8
    )
)
def test_any_yaml_as_cards(content: object) -> None:
    for read in (read_data_cards, read_model_cards):
        for good in (content, [content], [(DATA_CARD if read is read_data_cards else MODEL_CARD) | (content if isinstance(content, dict) else {})]):
            try:
                read(yaml.safe_dump(good), "my.yml")
            except StudyError as error:
                assert_told(str(error), "my.yml")


@FEW
@given(
    st.text()
    | st.dictionaries(
        st.sampled_from(["title", "out", "offline", "defaults", "runs"]),
        _VALUES
        | st.lists(
            st.dictionaries(st.sampled_from(["analysis", "name", "parameters", "grid"]), st.just("structure") | _VALUES | st.dictionaries(st.text(), _VALUES))
        ),
    ).map(yaml.safe_dump)
)
def test_any_text_as_a_study(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.yml")
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            read_study(path)
        except StudyError as error:
            assert_told(str(error))


@pytest.mark.parametrize("text", ["both ", " both", "both,", ",both"])
def test_one_word_of_a_choice_reaches_the_notebook_bare(text: str) -> None:
    """A notebook asks ``protocol == "both"``; with a blank behind it both protocols would silently be left out."""
    assert checked_parameters("structure", {"protocol": text})["protocol"] == "both"

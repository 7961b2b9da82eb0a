"""A model of one's own: a reader brought by another package, an id on the hub, and what fits into a memory."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from rnastudy.errors import StudyError
from rnastudy.models import cards, load, needs
from rnastudy.models.readers import LetterReader
from rnastudy.runs.kinds import check_path

TABLE = {"A": 5, "C": 6, "G": 7, "U": 8, "N": 9}


def reader(source, config):
    """As the page of the book writes it."""
    assert Path(source, "config.json").is_file() and config.model_type == "bert"
    return LetterReader(TABLE, pad=0, start=2, end=3, mask=4)


def without_spans(source, config):
    return object()


@pytest.fixture
def folder(tmp_path):
    """A checkpoint whose tokenizer no library could load: there is none."""
    from transformers import BertConfig, BertForMaskedLM

    sizes = {"vocab_size": 10, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 40}
    BertForMaskedLM(BertConfig(**sizes, architectures=["BertForMaskedLM"])).save_pretrained(tmp_path)
    return tmp_path


def installed(monkeypatch, *names):
    """Make it so that a package which is installed names readers for BERT."""
    found = [EntryPoint("bert", f"{__name__}:{name}", "rnastudy.readers") for name in names]
    monkeypatch.setattr("rnastudy.models.readers.entry_points", lambda group, name: found if (group, name) == ("rnastudy.readers", "bert") else [])
    monkeypatch.setattr(EntryPoint, "load", lambda self: globals()[self.value.partition(":")[2]])


def test_a_reader_of_another_package_reads_the_checkpoint(folder, monkeypatch):
    with pytest.raises(StudyError):
        load(folder)
    installed(monkeypatch, "reader")
    probe = load(folder)
    assert probe.reader.read("ACGU").rows == ((2, 5, 6, 7, 8, 3),)
    assert probe.n_layers == 2 and probe.reader.mask == 4


def test_a_reader_that_cannot_read_and_two_for_one_architecture_are_refused(folder, monkeypatch):
    installed(monkeypatch, "without_spans")
    with pytest.raises(StudyError, match="lacks"):
        load(folder)
    installed(monkeypatch, "reader", "reader")
    with pytest.raises(StudyError, match="remove all but one"):
        load(folder)


def test_a_hub_id_is_a_model_and_a_mistyped_path_is_none():
    assert check_path("models", "hf:owner/name") and not check_path("data", "nothing")
    with pytest.raises(StudyError, match="no such file"):
        check_path("models", "owner/name")
    for word in ("hf:owner", "hf:../name", "hf:a/b/c"):
        with pytest.raises(StudyError, match="no such file") if "/" in word else pytest.raises(AssertionError):
            assert check_path("models", word)


def test_what_a_model_needs_is_computed_from_its_card():
    card = cards()["rnafm"]
    assert needs.weights_memory(card) == pytest.approx(99.52e6 * 4)
    assert needs.memory(card, 200) == pytest.approx(99.52e6 * 4 + 4 * 4 * 20 * 202**2)
    assert needs.flops(card, 98) == pytest.approx(2 * 99.52e6 * 100 + 4 * 12 * 640 * 100**2)
    unknown = cards()["esm2"].__class__(**{**vars(card), "parameters_million": None})
    assert needs.memory(unknown) is None and needs.flops(unknown) is None and not needs.fits(unknown, 1e15)


@pytest.mark.parametrize("words", ["", "GB", "24XB", "-3GB", "1e9", "24 GB more"])
def test_a_size_that_is_none_is_refused(words):
    with pytest.raises(StudyError, match="such as 24GB"):
        needs.read_size(words)


def test_models_that_fit_are_listed():
    from typer.testing import CliRunner

    from rnastudy.cli import app

    shown = CliRunner().invoke(app, ["models", "--fit", "1GB"]).output
    assert "rnafm" in shown and "esm2-15b" not in shown and "rinalmo-giga" not in shown

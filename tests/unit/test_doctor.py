"""The doctor passes what is right and fails every planted fault."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from rnastudy import cli, doctor
from rnastudy.doctor import examination, masked, natives, norms, reading, running, weights
from rnastudy.errors import StudyError
from rnastudy.models import cards, load
from rnastudy.models.cards import Availability, embedded_folder
from rnastudy.models.checkpoint import checkpoint_sha256
from rnastudy.models.masking import base_scores, hide
from rnastudy.models.probe import Padding, Probe
from rnastudy.models.readers import LetterReader
from rnastudy.rna import Rna
from rnastudy.tokens import Tokens

EMBEDDED = [key for key, card in cards().items() if card.loader == "embedded"]


@pytest.fixture
def probe():
    return load("mapconv-9k")


@pytest.fixture
def few(monkeypatch):
    """Fewer RNAs, where a fault shows on few."""
    monkeypatch.setattr(masked, "scored", lambda: natives.scored()[:90])


@pytest.fixture
def only_states(monkeypatch):
    monkeypatch.setattr(examination, "CHECKS", ())


def tiny_bert(**options):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    sizes = {"vocab_size": 10, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 202}
    network = BertForMaskedLM(BertConfig(**sizes, **{"attn_implementation": "eager", **options}))
    return Probe("tiny", network, LetterReader({"A": 4, "C": 5, "G": 6, "U": 7, "N": 8}, pad=0, start=1, end=2, mask=3), max_tokens=202)


# What is right passes -------------------------------------------------------------------------------------------------


def test_a_model_that_is_right_passes_every_check_of_its_running(probe):
    for check in examination.CHECKS[: examination.CHECKS.index(masked.masked_accuracy)]:
        found = check(probe)
        assert found.state == "pass", found


def test_a_network_behind_a_tokenizer_with_end_tokens_and_a_limit_passes():
    one = tiny_bert()
    for check in (reading.alphabet, reading.spans_cover, reading.spans_in_place, running.attention_rows, running.twice, running.batch):
        assert check(one).state == "pass", check(one)
    assert running.lengths(one).state == "pass" and "201" in running.lengths(one).measured


@pytest.mark.parametrize("key", [*EMBEDDED, "rnabert"])
def test_every_model_whose_weights_were_here_has_a_certificate_that_passes(key):
    one = doctor.stored()[key]
    assert one.state == doctor.state_of(key) == "pass"
    assert one.key_map and one.date and one.versions["torch"] and len(one.states) == cards()[key].layers + 1
    assert one["masked-token accuracy"].state == ("not run" if key == "rnabert" else "pass")


@pytest.mark.parametrize("key", EMBEDDED)
def test_a_stored_certificate_is_of_the_weights_that_are_shipped(key):
    assert doctor.stored()[key].weights_sha256 == checkpoint_sha256(str(embedded_folder(key)), None), "the model was trained anew: run the doctor anew"


def test_the_certificate_of_rnabert_is_of_the_file_on_its_card():
    assert doctor.stored()["rnabert"].weights_sha256 in {file.sha256 for file in cards()["rnabert"].files}


def test_stored_certificates_name_no_place_and_no_model_without_a_card():
    for path in sorted((Path(doctor.__file__).parent.parent / "data" / "certificates").glob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert path.stem in cards() and not re.search(r"(?<![\w.])/(home|root|work|tmp|Users|usr)/", text)


def test_the_models_on_the_books_page_have_one_of_three_states():
    assert {doctor.state_of(key) for key in cards()} <= {"pass", "fail", "not run"}
    assert doctor.state_of("rnafm") == "not run"


@pytest.mark.parametrize("key", ["mapconv-9k", "align-27k"])
def test_a_trained_model_names_hidden_bases_better_than_a_guess(key, few):
    assert masked.masked_accuracy(load(key)).state == "pass"


def test_letters_and_norms_of_a_trained_model_are_in_place(probe, few):
    assert masked.letters_in_place(probe).state == "pass"
    assert masked.norms_in_place(probe).state == "pass"


@pytest.mark.parametrize("key", ["mapconv-9k", "mapconv-70k"])
def test_states_come_out_as_certified(key, only_states):
    assert doctor.examine(load(key))["states as certified"].state == "pass"


def test_a_protein_model_is_examined_on_proteins():
    from transformers import EsmConfig, EsmForMaskedLM

    from rnastudy.models.proteins import esm2_reader

    torch.manual_seed(0)
    sizes = {"vocab_size": 33, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    config = EsmConfig(**sizes, pad_token_id=1, mask_token_id=32, position_embedding_type="rotary", attn_implementation="eager")
    one = Probe("tiny", EsmForMaskedLM(config), esm2_reader())
    states = {found.name: found.state for found in (check(one) for check in examination.CHECKS)}
    assert {name for name, state in states.items() if state == "fail"} == set()
    assert states["spans"] == states["one base altered"] == states["padding and batch"] == "pass"
    assert states["alphabet"] == states["masked-token accuracy"] == "not run"


# Planted faults -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", norms.norm_pairs(load("mapconv-70k").network))
def test_two_norms_exchanged_fail(pair, only_states):
    one = load("mapconv-70k")
    with norms.exchanged(one.network, *pair):
        assert doctor.examine(one).state == "fail"
    assert doctor.examine(one).state == "pass"


def test_two_norms_exchanged_fail_without_a_certificate_where_they_differ(probe, few):
    """The same function with other norms: one is thirty times as large, and what reads it thirty times as small."""
    layer = probe.network.model.layers[0]
    with torch.no_grad():
        for tensor in (layer.attention_norm.weight, layer.attention_norm.bias):
            tensor.mul_(30)
        for reads in (layer.scores.query, layer.scores.key, layer.attention.value):
            reads.weight.div_(30)
    assert masked.norms_in_place(probe).state == "pass"
    with norms.exchanged(probe.network, "model.layers.0.attention_norm", "model.layers.0.feed_norm"):
        found = masked.norms_in_place(probe)
    assert found.state == "fail" and "attention_norm and model.layers.0.feed_norm" in found.measured


def test_another_epsilon_fails(probe):
    probe.network.model.layers[0].feed_norm.eps = 1e-12
    found = weights.settings(probe)
    assert found.state == "fail" and "1e-12" in found.measured and "1 norms differ, first model.layers.0.feed_norm" in found.measured


def test_an_epsilon_that_the_card_corrects_is_said_to_be_corrected():
    one = tiny_bert(layer_norm_eps=1e-5)
    one.card = replace(cards()["rnamsm"], overrides={"layer_norm_eps": 1e-5}, expects={"norm_order": "post"})
    found = weights.settings(one)
    assert found.state == "pass" and "1e-05 (set by the card)" in found.measured
    wrong = tiny_bert(layer_norm_eps=1e-12)
    wrong.card = one.card
    assert weights.settings(wrong).state == "fail"


@pytest.mark.parametrize("key", ["rnabert", "esm2-8m"])
def test_random_weights_never_pass_even_where_hidden_letters_are_not_asked_for(key, monkeypatch):
    """Of these two no masked accuracy is to be had, so nothing else would tell."""
    monkeypatch.setattr(examination, "CHECKS", (weights.keys_matched, weights.sizes, masked.masked_accuracy))
    found = examination.examine(load(f"{key}@untrained"))
    assert found.state == "not run" and found["layers x heads x width"].state == "pass"


def test_norms_on_the_other_side_of_the_blocks_fail():
    one = tiny_bert()
    assert norms.norm_order(one, natives.some(1)[0]) == "post"
    assert norms.norm_order(load("plain-70k"), natives.some(1)[0]) == "pre"
    one.card = replace(cards()["rnafm"], expects={"norm_order": "pre"})
    assert weights.settings(one).state == "fail"


def spoilt(tmp_path: Path, change) -> Path:
    folder = tmp_path / "spoilt"
    shutil.copytree(embedded_folder("mapconv-9k"), folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_dropped_key_fails(tmp_path):
    found = doctor.certificate(spoilt(tmp_path, lambda tensors: tensors.pop("model.layers.0.feed_norm.weight")))
    assert found.state == "fail" and "feed_norm.weight" in found["keys"].measured
    assert str(tmp_path) not in json.dumps(found["keys"].measured) and found.model == "spoilt"


def test_nan_in_the_file_fails(tmp_path):
    found = doctor.certificate(spoilt(tmp_path, lambda tensors: tensors["model.norm.weight"].fill_(torch.nan)))
    assert found.state == "fail" and "NaN" in found["keys"].measured


@pytest.mark.parametrize("check", [weights.finite_weights, running.attention_rows, running.twice, running.batch, running.lengths])
def test_nan_after_loading_fails(probe, check):
    with torch.no_grad():
        probe.network.model.layers[0].attention_norm.weight[0] = torch.nan
    assert check(probe).state == "fail"


def test_a_table_of_letters_with_u_and_c_exchanged_fails(probe, few):
    letters = probe.reader.letters
    probe.reader.letters = {**letters, "U": letters["C"], "C": letters["U"]}
    assert masked.masked_accuracy(probe).state == "fail"
    found = masked.letters_in_place(probe)
    assert found.state == "fail" and "C and U" in found.measured


def test_u_read_as_an_unknown_token_beside_t_fails(probe, few):
    letters, head = probe.reader.letters, probe.network.head
    probe.network.head = wider = torch.nn.Linear(head.in_features, len(letters))
    with torch.no_grad():
        wider.weight.zero_()[:4] = head.weight
        wider.bias.fill_(-9)[:4] = head.bias
    probe.reader.letters = {**letters, "U": letters["N"], "T": letters["U"]}
    found = masked.t_or_u(probe)
    assert found.state == "fail" and "otherwise" in found.measured
    probe.reader.letters = {**letters, "T": letters["N"]}
    assert masked.t_or_u(probe).state == "pass"


def test_a_base_without_a_token_of_its_own_fails(probe):
    probe.reader.letters = {**probe.reader.letters, "U": probe.reader.letters["C"]}
    assert reading.alphabet(probe).state == "fail"


class Shifted(LetterReader):
    """Spans that cover every base and are off by one."""

    def read(self, *rows: str) -> Tokens:
        tokens = super().read(*rows)
        return replace(tokens, spans=(*tokens.spans[1:], None))


def test_spans_off_by_one_fail(probe):
    own = probe.reader
    probe.reader = Shifted(own.letters, pad=own.pad, start=own.before[0], end=own.after[0], mask=own.mask)
    assert reading.spans_cover(probe).state == reading.spans_in_place(probe).state == "fail"


def test_a_network_that_shifts_its_input_fails(probe):
    probe.network.model.embedding.register_forward_hook(lambda _module, _inputs, output: output.roll(1, 1))
    assert reading.spans_cover(probe).state == "pass"
    assert reading.spans_in_place(probe).state == "fail"


def test_a_padding_mask_that_lets_padding_be_seen_fails(probe):
    probe.padding = Padding(None, seen=True)
    assert running.batch(probe).state == running.padding_hidden(probe).state == "fail"


def test_a_network_that_ignores_the_mask_fails():
    one = tiny_bert()
    forward = one.network.forward
    one.network.forward = lambda inputs, attention_mask, **options: forward(inputs, attention_mask=torch.ones_like(attention_mask), **options)
    assert running.batch(one).state == "fail"


def test_dropout_left_on_fails():
    one = tiny_bert(hidden_dropout_prob=0.1)
    assert running.twice(one).state == weights.finite_weights(one).state == "pass"
    one.network.train()
    assert running.twice(one).state == weights.finite_weights(one).state == "fail"


def test_attention_rows_that_do_not_sum_to_one_fail(probe):
    probe.points[0].module.register_forward_hook(lambda _module, _inputs, output: (output[0], output[1] * 1.01))
    found = running.attention_rows(probe)
    assert found.state == "fail" and "e-02" in found.measured


def test_a_model_that_reads_beyond_its_limit_fails(monkeypatch):
    one = tiny_bert()
    refused = one.skipped
    monkeypatch.setattr(running, "_longest", lambda _probe: 100)
    assert refused([Rna("long", "A" * 201)]) == [0]
    assert running.lengths(one).state == "fail"


def test_a_length_that_does_not_fit_is_not_run_and_says_why(monkeypatch):
    monkeypatch.setattr(running, "LARGEST", {"cpu": 1.0})
    found = running.lengths(tiny_bert())
    assert found.state == "not run" and "floating-point operations" in found.reason


def test_other_sizes_than_the_cards_fail(probe):
    assert weights.parameters(probe).state == weights.sizes(probe).state == "pass"
    probe.card = replace(probe.card, parameters_million=0.0105, layers=2)
    assert weights.parameters(probe).state == weights.sizes(probe).state == "fail"


@pytest.mark.parametrize("key", ["mapconv-9k", "plain-70k"])
def test_an_untrained_twin_fails_at_hidden_bases(key, few):
    assert masked.masked_accuracy(load(f"{key}@untrained")).state == "fail"


# Hidden bases ---------------------------------------------------------------------------------------------------------


def test_hidden_bases_of_windows_hide_every_token_over_them():
    tokens = Tokens(((9, 1, 2, 3, 9),), (None, (0, 3), (1, 4), (2, 5), None), 5)
    assert hide(tokens, [1], 0).rows == ((9, 0, 0, 3, 9),)
    assert hide(tokens, [4], 0).rows == ((9, 1, 2, 0, 9),)


def test_a_token_of_two_bases_speaks_for_each_of_them():
    pieces = {number: first + second for number, (first, second) in enumerate((a, b) for a in "ACGU" for b in "ACGU")}
    scores = torch.full((1, 16), -20.0)
    scores[0, next(number for number, text in pieces.items() if text == "GU")] = 5.0
    assert base_scores(scores, [(0, 2)], [0, 1], pieces).argmax(-1).tolist() == [2, 3]
    with pytest.raises(StudyError, match="no token of 3 bases"):
        base_scores(scores, [(0, 3)], [0], pieces)


def test_hidden_bases_are_hidden_from_the_model(probe):
    """What stands at a hidden base must not matter to what is said of it."""
    one, other = Rna("one", "GGGCUAAGCUUCGGCUUAGCCC"), Rna("other", "GGGCUUAGCUUCGGCUUAGCCC")
    said = [next(probe.masked_logits([rna], [[5]]))[1] for rna in (one, other)]
    assert torch.equal(*said) and said[0].shape == (1, 4)
    assert not torch.equal(said[0], next(probe.masked_logits([one], [[7]]))[1])


def test_a_model_without_a_mask_says_so(probe):
    probe.reader.mask = None
    assert "no mask token" in masked.masked_accuracy(probe).reason
    with pytest.raises(StudyError, match="no mask token"):
        next(probe.masked_logits([Rna("a", "GGGAAACCC")], [[0]]))


def test_every_base_is_hidden_once(probe):
    rna = natives.some(1)[0]
    assert sorted(base for fold in masked._folds(probe, rna, 7) for base in fold) == list(range(len(rna)))


# States, files and the command ----------------------------------------------------------------------------------------


def test_a_model_without_weights_is_not_run_and_the_command_says_three(monkeypatch, tmp_path):
    monkeypatch.setattr(examination, "availability", lambda card, device: Availability(False, ("its weights on disk",)))
    found = doctor.certificate("rnafm")
    assert found.state == "not run" and found.lacks == ("its weights on disk",) and not found.checks
    result = CliRunner().invoke(cli.app, ["doctor", "--model", "rnafm", "--out", str(tmp_path / "one.json")])
    assert result.exit_code == 3 and "not run; lacks its weights on disk" in result.output
    assert doctor.read(tmp_path / "one.json").state == "not run"


@pytest.mark.parametrize(("planted", "code"), [(False, 0), (True, 1)])
def test_the_command_prints_a_table_writes_a_file_and_exits_by_the_state(planted, code, monkeypatch, tmp_path):
    monkeypatch.setattr(examination, "CHECKS", (weights.parameters, running.twice))
    folder = spoilt(tmp_path, lambda tensors: tensors.pop("head.bias") if planted else None)
    result = CliRunner().invoke(cli.app, ["doctor", "--model", str(folder), "--out", str(tmp_path / "out" / "one.json")])
    assert result.exit_code == code and ("keys" if planted else "run twice") in result.output
    one = doctor.read(tmp_path / "out" / "one.json")
    assert one.state == ("fail" if planted else "pass") and str(tmp_path) not in json.dumps(one.model)
    assert all(check.seconds >= 0 for check in one.checks)


def test_an_unknown_model_is_an_error_not_a_certificate():
    with pytest.raises(StudyError, match="unknown model 'mapconv-9'"):
        doctor.certificate("mapconv-9")


def test_a_file_that_says_other_than_its_checks_is_refused(tmp_path):
    doctor.write(doctor.Certificate("a", (doctor.Check("keys", "fail", "x"),)), tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    assert doctor.read(tmp_path / "a.json").state == "fail"
    (tmp_path / "a.json").write_text(text.replace('"state": "fail"', '"state": "pass"', 1))
    with pytest.raises(StudyError, match="its checks say 'fail'"):
        doctor.read(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(StudyError, match="holds no certificate"):
        doctor.read(tmp_path / "a.json")


def test_a_check_that_was_not_run_says_why():
    with pytest.raises(StudyError, match="not run with a reason"):
        doctor.Check("lengths", "not run")

"""Cards, loading and the probe."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rnastudy.errors import StudyError
from rnastudy.models import availability, cards, load
from rnastudy.models.adapters import adapter
from rnastudy.models.cards import ModelCard
from rnastudy.models.network import attention_points
from rnastudy.models.probe import Padding, Probe
from rnastudy.models.readers import LetterReader
from rnastudy.models.streaming import one_at_a_time
from rnastudy.rna import Rna

LETTERS = {"A": 4, "C": 5, "G": 6, "U": 7, "N": 8}
HAIRPIN = Rna("hairpin", "GGGCUAAGCUUCGGCUUAGCCC")
ROWS = [
    "rnafm",
    "rnamsm",
    "rnaernie",
    "rinalmo-micro",
    "rinalmo-mega",
    "rinalmo-giga",
    "ernierna",
    "rnakm",
    "mprna",
    "birnabert",
    "aidorna-650m",
    "aidorna-1.6b",
    "protrna",
    "utrlm",
    "splicebert",
    "lucaone",
    "dnabert-3mer",
    "dnabert-6mer",
    "dnabert2",
    "nt",
    "esm2",
    "rnabert",
    "resm-150m",
]


def bert(layers=4, **options):
    from transformers import BertConfig, BertForMaskedLM

    torch.manual_seed(0)
    sizes = {"vocab_size": 10, "hidden_size": 16, "num_hidden_layers": layers, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 64}
    return BertForMaskedLM(BertConfig(**sizes, **{"attn_implementation": "eager", "architectures": ["BertForMaskedLM"], **options}))


def probe(**options):
    return Probe("tiny", bert(), LetterReader(LETTERS, pad=0, start=2, end=3), **options)


@pytest.fixture
def folder(tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "A", "C", "G", "U", "N", "[MASK]"]
    tokenizer = single_base_tokenizer(words)
    bert().save_pretrained(tmp_path / "bert")
    tokenizer.save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


def single_base_tokenizer(words):
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    held = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    held.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    held.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(tokenizer_object=held, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]", mask_token="[MASK]")


# Cards


def test_every_model_of_the_review_has_a_card():
    assert set(ROWS) <= set(cards()) and {"mapconv-9k", "mapconv-70k", "mapconv-300k", "plain-70k", "align-27k"} <= set(cards())


def test_cards_agree_with_the_table_of_facts():
    data = os.environ.get("RNASTUDY_DATA")
    path = Path(data).parent / "facts" / "models.csv" if data else None
    if path is None or not path.is_file():
        pytest.skip("RNASTUDY_DATA is not set, or has no facts/models.csv beside it")
    for row in csv.DictReader(path.open()):
        card = cards()[row["key"]]
        for name, stated in (("parameters_million", row["params_million"]), ("layers", row["layers"]), ("heads", row["heads"]), ("width", row["width"])):
            low, _, high = stated.partition("-")
            slack = 0.03 if name == "parameters_million" else 0  # cards count; LucaOne's paper says 1.8 billion where there are 1.58
            if (card.key, name) != ("lucaone", "parameters_million"):
                assert float(low) * (1 - slack) <= getattr(card, name) <= float(high or low) * (1 + slack), (card.key, name)
        assert str(card.year) == row["year"] and card.group == row["group"] and (card.multimolecule_id or "") == row["multimolecule_id"]


def test_cards_are_whole():
    for card in cards().values():
        assert card.citation and card.certainty and card.licence and card.weights, card.key
        assert card.revision is None or len(card.revision) == 40
        if card.loader in ("transformers", "multimolecule"):
            assert card.hub and card.layers and card.heads and card.width
    assert cards()["aidorna-1.6b"].restricted and not cards()["rnafm"].restricted


def test_availability_names_what_is_lacking(monkeypatch):
    assert "an adapter for its architecture" in availability(replace(cards()["lucaone"], loader="none")).lacks
    assert any("10.5281/zenodo" in lack for lack in availability(cards()["resm-150m"]).lacks)
    assert not availability(cards()["rnakm"]).can_run
    module = sys.modules["rnastudy.models.cards"]
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("HF_HUB_CACHE", "/nowhere")
    assert any("multimolecule" in lack for lack in availability(cards()["rnafm"]).lacks)
    monkeypatch.setattr(module, "_memory", lambda device: 1.0)
    assert any("60.0 GB" in lack for lack in availability(cards()["esm2-15b"]).lacks)


def test_listing_models_needs_no_torch():
    code = "import sys; from rnastudy import models; [models.availability(card) for card in models.cards().values()]"
    subprocess.run([sys.executable, "-c", f"{code}; assert not {{'torch', 'multimolecule'}} & set(sys.modules)"], check=True)


@pytest.mark.parametrize("key", [key for key, card in cards().items() if card.loader == "embedded"])
def test_embedded_models_load_and_run(key):
    if not availability(cards()[key]).can_run:
        pytest.skip(f"{key} has not been trained yet: {availability(cards()[key]).lacks}")
    trained, twin = load(key), load(f"{key}@untrained")
    card = cards()[key]
    assert (trained.n_layers, trained.n_heads, trained.width) == (card.layers, card.heads, card.width)
    assert trained.n_parameters == twin.n_parameters == round(card.parameters_million * 1e6)
    assert len(list(trained.attention([HAIRPIN]))) == card.layers
    assert not torch.allclose(next(trained.hidden([HAIRPIN])).bases, next(twin.hidden([HAIRPIN])).bases)


# Loading


def test_a_checkpoint_folder_works_by_path(folder):
    loaded = load(folder)
    assert (loaded.n_layers, loaded.n_heads, loaded.width, loaded.max_tokens) == (4, 2, 16, 64)
    direct = probe()
    for left, right in zip(loaded.attention([HAIRPIN]), direct.attention([HAIRPIN]), strict=True):
        assert torch.allclose(left.maps, right.maps, atol=1e-6)
    assert len(loaded.weights_sha256) == 64


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rnafn", "did you mean rnafm"),
        ("rnafm@random", "only one is '@untrained'"),
        ("no/such/folder", "unknown model"),
        (".", "no config.json"),
    ],
)
def test_names_that_cannot_be_loaded(name, message):
    with pytest.raises(StudyError, match=message):
        load(name)


def test_weights_behind_a_key_have_a_twin_and_are_shown_without_their_folder(tmp_path, monkeypatch):
    one = adapter("utrlm_original")
    card = cards()["utrlm-base"]
    stored = {key: torch.randn(shape) * 0.1 for key, shape in one.layout(one.config(card)).items()}
    torch.save(stored, tmp_path / "mine.pkl")
    monkeypatch.setenv("HOME", str(tmp_path))
    trained, twin = load("utrlm-base@~/mine.pkl"), load(f"utrlm-base@{tmp_path}/mine.pkl@untrained")
    assert (trained.name, twin.name) == ("utrlm-base@mine.pkl", "utrlm-base@mine.pkl@untrained")
    assert trained.weights_sha256 != twin.weights_sha256 == load("utrlm-base@untrained").weights_sha256
    assert any("structure_linear" in said for said in trained.network.key_exceptions)


def test_two_files_of_one_name_are_refused_as_one_table_cannot_tell_them_apart(tmp_path):
    from rnastudy.analyses.contenders import contenders

    names = []
    for part in "ab":
        (tmp_path / part).mkdir()
        (tmp_path / part / "w.pkl").write_bytes(b"")
        names.append(f"utrlm-base@{tmp_path / part / 'w.pkl'}")
    with pytest.raises(StudyError, match="that tables can tell apart by name"):
        contenders(names)


def test_a_model_without_library_or_adapter_is_refused(monkeypatch):
    monkeypatch.setattr("rnastudy.models.loading.find_card", lambda name: replace(cards()[name], loader="none"))
    with pytest.raises(StudyError, match="no library has its architecture"):
        load("rnafm")


def test_options_are_checked():
    with pytest.raises(StudyError, match="unknown dtype 'fp32'"):
        load("rnabert@untrained", dtype="fp32")
    if not torch.cuda.is_available():
        with pytest.raises(StudyError, match="sees no CUDA device"):
            load("rnabert@untrained", device="cuda")


def rewrite(folder, change):
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_missing_keys_are_an_error(folder):
    rewrite(folder, lambda weights: weights.pop("bert.encoder.layer.1.attention.self.query.weight"))
    with pytest.raises(StudyError, match=r"lacks 1 tensors.*layer.1.attention.self.query"):
        load(folder)


def test_unexpected_keys_are_an_error(folder):
    rewrite(folder, lambda weights: weights.update({"bert.encoder.layer.9.extra.weight": torch.ones(2)}))
    with pytest.raises(StudyError, match="has left over 1 tensors"):
        load(folder)


def test_a_pooler_may_be_left_over(folder):
    rewrite(folder, lambda weights: weights.update({"bert.pooler.dense.weight": torch.ones(16, 16), "bert.pooler.dense.bias": torch.ones(16)}))
    assert load(folder).n_layers == 4


def test_nan_in_the_weights_is_an_error(folder):
    rewrite(folder, lambda weights: weights["bert.encoder.layer.2.output.dense.bias"].fill_(float("nan")))
    with pytest.raises(StudyError, match="hold NaN or infinity"):
        load(folder)


def test_other_shapes_are_an_error(folder):
    rewrite(folder, lambda weights: weights.update({"bert.encoder.layer.0.output.dense.bias": torch.ones(3)}))
    with pytest.raises(StudyError):
        load(folder)


def test_pickled_weights_are_read_without_running_them(folder):
    (folder / "model.safetensors").unlink()

    class Trap:
        def __reduce__(self):
            return (Path.touch, (folder / "ran",))

    torch.save({"bert.pooler.dense.bias": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(StudyError):
        load(folder)
    assert not (folder / "ran").exists()


def foreign(folder):
    config = json.loads((folder / "config.json").read_text())
    config.update(model_type="of-its-own", auto_map={"AutoConfig": "code.Config", "AutoModel": "code.Model"})
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")


def test_remote_code_is_not_run_unless_asked_for_at_a_commit(folder):
    foreign(folder)
    with pytest.raises(StudyError, match="its own code must be run"):
        load(folder)
    with pytest.raises(StudyError, match="the full 40-digit commit"):
        load(folder, trust_remote_code=True)
    with pytest.raises(StudyError, match="the full 40-digit commit"):
        load(folder, trust_remote_code=True, revision="main")
    assert not (folder / "ran").exists()


def test_untrained_draws_leave_the_callers_random_state_alone(folder):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    load(f"{folder}@untrained", seed=1)
    assert torch.equal(before, torch.get_rng_state())


# Probe


def test_attention_comes_from_the_eager_path_only():
    fused = Probe("fused", bert(attn_implementation="sdpa"), LetterReader(LETTERS, pad=0))
    with pytest.raises(StudyError, match="fused kernel"):
        list(fused.attention([HAIRPIN]))


def test_the_number_of_attention_layers_is_asserted():
    network = bert()
    network.config.num_hidden_layers = 5
    with pytest.raises(StudyError, match="4 places and has 5 layers"):
        attention_points(network)


def test_no_more_than_one_layers_maps_are_ever_alive(monkeypatch):
    made, alive = [], []
    import transformers.models.bert.modeling_bert as source

    eager = source.eager_attention_forward

    def counted(*arguments, **options):
        alive.append(sum(one() is not None for one in made))
        output, maps = eager(*arguments, **options)
        made.append(weakref.ref(maps))
        return output, maps

    monkeypatch.setattr(source, "eager_attention_forward", counted)
    deep = Probe("deep", bert(layers=8), LetterReader(LETTERS, pad=0, start=2, end=3))
    for one in deep.attention([HAIRPIN] * 3):
        assert sum(ref() is not None for ref in made) <= 1
        del one
    assert len(made) == 8 and max(alive) == 0


def test_a_reader_that_stops_early_ends_the_forward_pass():
    import threading

    before = threading.active_count()
    stream = probe().attention([HAIRPIN])
    next(stream)
    assert threading.active_count() == before + 1
    stream.close()
    assert threading.active_count() == before


def test_two_streams_of_one_probe_do_not_mix():
    one = probe()
    alone = [layer.maps for layer in one.attention([HAIRPIN])]
    other = Rna("other", "AAAACCCCGGGGUUUU")
    for left, right, expected in zip(one.attention([HAIRPIN]), one.attention([other]), alone, strict=True):
        assert torch.equal(left.maps, expected) and right.maps.shape[-1] == 16


def test_errors_of_the_forward_pass_reach_the_reader():
    broken = probe()
    broken.network.bert.encoder.layer[2].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        list(broken.attention([HAIRPIN]))


def test_closing_and_errors_of_the_iterator_itself():
    def call(send):
        send(1)
        raise KeyError("late")

    stream = one_at_a_time(call)
    assert next(stream) == 1
    with pytest.raises(KeyError, match="late"):
        next(stream)


def test_too_long_is_numbered_and_refused_never_cut():
    short = probe(max_bases=30)
    rnas = [Rna("a", "A" * 31), HAIRPIN, Rna("b", "A" * 30)]
    assert short.skipped(rnas) == [0]
    for stream in (short.attention(rnas), short.hidden(rnas), short.logits(rnas)):
        with pytest.raises(StudyError, match="1 RNAs are too long for tiny .limit 30 bases., first 'a' with 31 bases"):
            next(stream)
    assert probe(max_tokens=32).skipped(rnas) == [0]


def test_batches_keep_to_the_memory_and_go_by_length():
    one = probe()
    tokens = [one.reader.read("A" * length) for length in (8, 30, 9, 28, 10)]
    one.memory = 4 * 4 * 2 * 32**2 * 2
    assert list(one._batches(tokens))[0] == [1, 3]
    sizes = [sum(4 * 4 * 2 * len(tokens[batch[0]]) ** 2 for _ in batch) for batch in one._batches(tokens)]
    assert all(size <= one.memory for size in sizes)


@pytest.mark.parametrize("fails_at", [0, 2])
def test_out_of_memory_halves_the_batch_and_repeats_nothing(fails_at):
    one, rnas = probe(), [HAIRPIN, Rna("b", "ACGUACGUAC"), Rna("c", "GGGAAACCC")]
    expected = {(layer.index, layer.layer): layer.maps for layer in one.attention(rnas)}

    def tight(_module, inputs, _output):
        if inputs[0].shape[0] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")

    one.network.bert.encoder.layer[fails_at].register_forward_hook(tight)
    found = [(layer.index, layer.layer) for layer in one.attention(rnas)]
    assert sorted(found) == sorted(expected) and len(set(found)) == len(found)
    for layer in one.attention(rnas):
        assert torch.allclose(layer.maps, expected[layer.index, layer.layer], atol=1e-6)
    assert sorted(states.index for states in one.hidden(rnas)) == [0, 1, 2]


def test_one_rna_that_does_not_fit_is_an_error():
    one = probe()

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    one.network.bert.encoder.layer[0].register_forward_hook(full)
    with pytest.raises(StudyError, match="one RNA of 22 bases does not fit"):
        list(one.attention([HAIRPIN]))


def test_padding_that_is_seen_changes_states_and_is_the_same_in_any_batch():
    blind, seeing = probe(), probe(padding=Padding(40, seen=True))
    rnas = [HAIRPIN, Rna("b", "ACGUACGUAC")]
    together = {states.index: states.bases for states in seeing.hidden(rnas)}
    assert torch.allclose(together[1], next(seeing.hidden(rnas[1:])).bases, atol=1e-6)
    assert not torch.allclose(together[1], next(blind.hidden(rnas[1:])).bases, atol=1e-3)


def test_first_is_the_start_token_and_bases_follow_it():
    states = next(probe().hidden([HAIRPIN], layers="all"))
    ids = torch.tensor([[2, *(LETTERS[base] for base in HAIRPIN.sequence), 3]])
    with torch.no_grad():
        expected = bert().eval()(ids, output_hidden_states=True).hidden_states
    assert torch.allclose(states.first, torch.stack([state[0, 0] for state in expected]), atol=1e-6)
    assert torch.allclose(states.bases[:, 4], torch.stack([state[0, 5] for state in expected]), atol=1e-6)


def test_logits_come_in_the_order_a_c_g_u():
    shuffled = {"A": 7, "C": 6, "G": 5, "U": 4, "N": 8}
    one = Probe("shuffled", bert(), LetterReader(shuffled, pad=0))
    index, found = next(one.logits([HAIRPIN]))
    with torch.no_grad():
        raw = bert().eval()(torch.tensor([[shuffled[base] for base in HAIRPIN.sequence]])).logits[0]
    assert index == 0 and torch.allclose(found, raw[:, [7, 6, 5, 4]], atol=1e-6)


def test_models_without_likelihoods_say_why():
    with pytest.raises(StudyError, match="gives no logits: it has none; choose"):
        next(probe(no_logits="it has none").logits([HAIRPIN]))


def test_a_tokenizer_of_another_model_is_refused():
    one = Probe("other", bert(), LetterReader({**LETTERS, "G": 10}, pad=0))
    with pytest.raises(StudyError, match="token 10 has no embedding"):
        next(one.hidden([HAIRPIN]))


def test_layers_is_checked():
    with pytest.raises(StudyError, match="ask for 'last' or 'all'"):
        next(probe().hidden([HAIRPIN], layers="first"))


def test_check_refuses_maps_that_are_not_softmaxed(monkeypatch):
    import transformers.models.bert.modeling_bert as source

    eager = source.eager_attention_forward
    monkeypatch.setattr(source, "eager_attention_forward", lambda *a, **o: (lambda output, maps: (output, maps * 2))(*eager(*a, **o)))
    with pytest.raises(StudyError, match="attention rows sum to 2"):
        probe().check()


def test_dropout_is_off():
    assert not probe().network.training


def test_a_card_is_a_plain_record():
    card = cards()["rnafm"]
    assert isinstance(card, ModelCard) and card.name == "RNA-FM" and card.key == "rnafm"

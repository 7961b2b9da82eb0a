"""Proteins: contacts, P@L by hand, sets without leaks, models that read them, and the refusal to score them on RNA."""

from __future__ import annotations

import csv
import gzip
import json
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import rnastudy as rs
from rnastudy import datasets
from rnastudy.analyses.contenders import Contender
from rnastudy.analyses.protein_entrants import fit_separation, protein_contenders, separation_prior
from rnastudy.analyses.protein_findings import protein_findings, protein_models
from rnastudy.analyses.proteins import proteins
from rnastudy.contacts.precision import Precisions, bootstrap_precision, candidates, precision_stream, select_head, top_precision
from rnastudy.datasets.proteins import ProteinSet
from rnastudy.models import cards, load
from rnastudy.models.proteins import ESM2_WORDS, ProteinReader, esm2_reader
from rnastudy.protein import AMINO_ACIDS, Protein, contacts_within

DATA = Path(str(datasets.proteins.__globals__["__file__"])).parents[1] / "data"
needs_gemmi = pytest.mark.skipif(find_spec("gemmi") is None, reason="gemmi is not installed: structure files are not read")


# The record, and contacts


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"sequence": "MKJ"}, r"letters \['J'\]"),
        ({"sequence": ""}, "no residues"),
        ({"sequence": "MKTAYIA", "pairs": ((0, 5),)}, r"contact \(0, 5\) does not fit"),
        ({"sequence": "MKTAYIA", "pairs": ((0, 7),)}, r"contact \(0, 7\) does not fit"),
        ({"sequence": "MKT", "unresolved": frozenset({3})}, "unresolved residue 3"),
    ],
)
def test_a_protein_that_cannot_be_is_refused(given, message):
    with pytest.raises(rs.StudyError, match=message):
        Protein("x", **given)


def test_contacts_are_within_eight_angstrom_and_six_apart_and_hidden_residues_have_none():
    line = np.array([(4.0 * k, 0.0, 0.0) for k in range(8)])
    assert contacts_within(line) == ()
    closed = line.copy()
    closed[7] = (7.9, 0, 0)
    closed[6] = (8.0, 0, 0)
    assert contacts_within(closed) == ((0, 7), (1, 7))
    closed[0] = np.nan
    assert contacts_within(closed) == ((1, 7),)
    with pytest.raises(rs.StudyError, match="give \\(residues, 3\\)"):
        contacts_within(np.zeros((3, 2)))


def pdb_line(number: int, atom: str, residue: str, at: int, place: tuple[float, float, float]) -> str:
    x, y, z = place
    return f"ATOM  {number:5d}  {atom:<3} {residue} A{at:4d}    {x:8.3f}{y:8.3f}{z:8.3f}  1.00  0.00           {atom[0]}"


def artificial(path: Path, *, gap: bool = False) -> Path:
    """Write eight residues in a line whose last comes back to the first: glycine has no CB, so its CA counts."""
    lines = []
    for k, residue in enumerate(["GLY", "ALA", "SER", "MSE", "LEU", "LYS", "VAL", "TRP"]):
        x = 3.8 * k + (50 if gap and k > 3 else 0)
        far = 5.0 if k < 7 else -24.6
        atoms = [("N", (x, 0, 0)), ("CA", (x + 1.2, 0, 0)), ("C", (x + 2.5, 0, 0)), ("O", (x + 2.5, 1.2, 0))]
        atoms += [] if residue == "GLY" else [("CB", (x + 1.2 + (far if k == 7 else 0), 1.5, 0))]
        lines += [pdb_line(len(lines) + n, atom, residue, k + 1, place) for n, (atom, place) in enumerate(atoms, start=1)]
    path.write_text("\n".join(lines) + "\nTER\nEND\n")
    return path


@needs_gemmi
def test_a_structure_file_gives_sequence_and_contacts(tmp_path):
    found = datasets.proteins(artificial(tmp_path / "toy.pdb"))
    (protein,) = found
    assert protein.sequence == "GASMLKVW"
    assert protein.pairs == ((0, 7), (1, 7))
    assert found.counts == {"proteins": 1, "residues": 8, "contacts": 2}


@needs_gemmi
def test_a_chain_with_a_break_and_no_deposited_sequence_is_left_out(tmp_path):
    artificial(tmp_path / "whole.pdb")
    artificial(tmp_path / "broken.pdb", gap=True)
    found = datasets.proteins(tmp_path)
    assert len(found) == 1
    assert found.left_out == {"chains with breaks whose whole sequence the file does not give": 1}


def test_a_structure_file_without_gemmi_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gemmi", None)
    with pytest.raises(rs.StudyError, match=r"rnastudy\[structures\]"):
        datasets.proteins(artificial(tmp_path / "toy.pdb"))


# Sets


def test_the_embedded_sets_share_nothing_and_hold_what_their_cards_say():
    chosen, scored = datasets.proteins("proteins_select"), datasets.proteins("proteins_test")
    assert not {one.sequence for one in chosen} & {one.sequence for one in scored}
    assert not {one.name for one in chosen} & {one.name for one in scored}
    for one in (*chosen, *scored):
        assert set(one.sequence) <= set(AMINO_ACIDS) and 40 <= len(one) <= 400
        assert one.pairs and not one.unresolved & {place for pair in one.pairs for place in pair}


@needs_gemmi
def test_no_two_embedded_chains_are_alike():
    from tools.build_proteins import IDENTITY, identity

    chains = [*datasets.proteins("proteins_select"), *datasets.proteins("proteins_test")]
    alike = [(a.name, b.name) for k, a in enumerate(chains) for b in chains[:k] if identity(a.sequence, b.sequence) >= IDENTITY]
    assert alike == []
    assert identity(chains[0].sequence, chains[0].sequence[:30] + chains[0].sequence[33:]) == 1


@needs_gemmi
def test_the_builder_gives_the_same_bytes(tmp_path, real_data):
    from tools.build_proteins import FILES, SOURCES, build

    sources = real_data / "proteins"
    if not all((sources / f"{package}-{version}").is_dir() for package, version, _ in SOURCES):
        pytest.skip(f"{sources} lacks the unpacked source packages of the protein sets: they are not built anew")
    build(sources, tmp_path)
    for name in FILES:
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress((DATA / name).read_bytes())


def test_every_row_names_its_source():
    for name in ("proteins_select", "proteins_test"):
        with gzip.open(DATA / f"{name}.csv.gz", "rt") as file:
            for row in csv.DictReader(file):
                assert row["package"] and row["file"] and row["name"] == f"{row['entry']}_{row['chain']}"
                assert not row["resolution"] or 0.4 < float(row["resolution"]) <= 3


def test_rnas_and_proteins_are_not_taken_for_one_another():
    with pytest.raises(rs.StudyError, match="holds proteins, not RNAs"):
        datasets.load("proteins_test")
    with pytest.raises(rs.StudyError, match="holds RNAs, not proteins"):
        datasets.proteins("srtest150")
    with pytest.raises(rs.StudyError, match="did you mean proteins_test"):
        datasets.proteins("proteins_tests")


def test_a_table_of_ones_own(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text('name,sequence,contacts,unresolved\na,mktayiakqr,"[[9, 0], [1, 2]]",[4]\nb,MKTAYIAK,,\n')
    found = datasets.proteins(path)
    assert found.proteins[0] == Protein("a", "MKTAYIAKQR", ((0, 9),), frozenset({4})) and found.proteins[1].pairs is None
    assert found.left_out == {"contacts closer than 6 residues": 1}
    for cell, message in (("[[0, 9", "no JSON list"), ("[[0, 9.5]]", "no JSON list"), ("[[0]]", "no JSON list"), ("[[0, 12]]", "does not fit")):
        path.write_text(f'name,sequence,contacts\na,MKTAYIAKQR,"{cell}"\n')
        with pytest.raises(rs.StudyError, match=message):
            datasets.proteins(path)
    path.write_text("name,sequence\na,MKT\n")
    with pytest.raises(rs.StudyError, match="no column 'contacts'"):
        datasets.proteins(path)


# P@L


def test_candidates_keep_to_their_range_and_leave_hidden_residues_out():
    protein = Protein("x", "A" * 40, pairs=((0, 6), (0, 11), (0, 12), (0, 24), (3, 39)), unresolved=frozenset({39}))
    for reach, low, high, n_true in (("short", 6, 11, 2), ("medium", 12, 23, 1), ("long", 24, 39, 1)):
        pairs, true = candidates(protein, reach)
        i, j = np.divmod(pairs.numpy(), 40)
        assert (j - i).min() == low and (j - i).max() == min(high, 38) and 39 not in j
        assert int(true.sum()) == n_true
        assert len(pairs) == sum(low <= b - a <= high for a in range(39) for b in range(39))


def test_precision_by_hand_and_ties_by_expectation():
    true = torch.tensor([True, False, True, False, False])
    scores = torch.tensor([[5.0, 4, 3, 2, 1], [1, 2, 3, 4, 5], [0, 0, 0, 0, 0], [9, 1, 1, 0, 0]])
    assert top_precision(scores, true, 1).tolist() == [1, 0, pytest.approx(0.4), 1]
    assert top_precision(scores, true, 2).tolist() == [0.5, 0, pytest.approx(0.4), 0.75]
    assert top_precision(scores, true, 99).tolist() == [pytest.approx(0.4)] * 4
    assert np.isnan(top_precision(scores, torch.zeros(5, dtype=torch.bool), 2)).all()


def test_p_at_l_of_a_planted_map_by_hand():
    """Of 60 residues, 12 long-range contacts: the top 12 (L / 5) are all found, of the top 60 (L) 12."""
    pairs = tuple((k, k + 30 + k % 3) for k in range(12))
    protein = Protein("x", "A" * 60, pairs=pairs)
    maps = torch.zeros(1, 60, 60)
    for i, j in pairs:
        maps[0, i, j] = maps[0, j, i] = 1
    layer = SimpleNamespace(index=0, layer=0, maps=maps, scored=True)
    found = precision_stream([layer], [protein])
    assert found.at("long", "P@L/5")[0, 0, 0] == 1
    others = sum(range(1, 37)) - 12
    assert others > 48 and found.at("long", "P@L")[0, 0, 0] == pytest.approx(12 / 60)
    assert np.isnan(found.at("short", "P@L")).all()
    with pytest.raises(rs.StudyError, match="unknown range 'far'"):
        found.at("far", "P@L")
    with pytest.raises(rs.StudyError, match="layers are missing"):
        precision_stream([layer, SimpleNamespace(index=1, layer=1, maps=maps, scored=True)], [protein, protein])


def test_the_head_is_chosen_on_one_set_and_scored_on_another():
    rng = np.random.default_rng(0)
    values = {measure: rng.random((5, 2, 3)) for measure in Precisions.__init__.__globals__["MEASURES"]}
    chosen_on = Precisions(tuple("abcde"), values)
    best = values["long", "P@L"].mean(0)
    assert select_head(chosen_on) == tuple(np.unravel_index(best.argmax(), best.shape))
    marked = {measure: np.zeros((4, 2, 3)) for measure in values}
    for table in marked.values():
        table[:, *select_head(chosen_on)] = 1
    certain = {measure: table * 0 for measure, table in values.items()}
    certain["long", "P@L"][:, *select_head(chosen_on)] = 1
    draws = bootstrap_precision(Precisions(tuple("abcde"), certain), Precisions(tuple("wxyz"), marked), n_draws=20)
    assert all((table == 1).all() for table in draws.values())


# The whole pipeline


def folded(name: str, seed: int) -> Protein:
    rng = np.random.default_rng(seed)
    pairs = {(int(i), int(i) + int(apart)) for i, apart in zip(rng.integers(0, 25, 30), rng.integers(24, 35, 30), strict=True)}
    letters = "".join(AMINO_ACIDS[k] for k in rng.integers(0, 20, 60))
    return Protein(name, letters, pairs=tuple(sorted(pairs)))


def planted(layers: int = 2, heads: int = 3, at: tuple[int, int] = (1, 2)) -> Contender:
    """Make a fake probe of which one head attends to the contacts, all others to chance."""

    def stream(chains):
        for index, protein in enumerate(chains):
            for layer in range(layers):
                maps = torch.rand(heads, len(protein), len(protein), generator=torch.Generator().manual_seed(index * 7 + layer))
                if layer == at[0]:
                    maps[at[1]] = 0.01
                    for i, j in protein.pairs:
                        maps[at[1], i, j] = 1.0
                yield SimpleNamespace(index=index, layer=layer, maps=maps / maps.sum(-1, keepdim=True))

    return Contender("planted", "trained", stream, lambda chains: [])


def sets() -> tuple[ProteinSet, ProteinSet]:
    one = ProteinSet("one", tuple(folded(f"s{k}", k) for k in range(6)), None, "0" * 64)
    return one, ProteinSet("two", tuple(folded(f"t{k}", 100 + k) for k in range(8)), None, "1" * 64)


def test_planted_contacts_are_found_through_the_whole_pipeline():
    from rnastudy.analyses import baseline

    study = proteins([planted(), baseline("random")], *sets(), n_draws=20)
    assert study.chosen["planted"] == (1, 2)
    top = study.table("P@L/5").set_index("model")
    assert top.loc["planted", "value"] > 0.95 > 0.3 > top.loc["random", "value"]
    f1 = study.f1().set_index(["model", "protocol"])
    assert (f1.loc["planted", ["layer", "head"]] == [1, 2]).all(axis=None)
    assert f1.loc[("planted", "careful"), "value"] > 0.9 and f1.loc[("random", "careful"), "value"] < 0.2
    assert (study.results.low.dropna() <= study.results.high.dropna()).all()
    assert set(study.results.model) == {"planted", "random", "separation-prior"}
    found = protein_findings(study)
    assert found["gain_low"] > 0.05 and found["best"] == "planted" and found["answer"].startswith("Yes: one head of planted")
    assert set(study.by_range().columns) == {(reach, cut) for reach in ("long", "medium", "short") for cut in ("P@L", "P@L/2", "P@L/5")}


def test_a_protein_in_both_sets_is_refused():
    chosen, scored = sets()
    both = ProteinSet("two", (*scored.proteins, chosen.proteins[0]), None, "1" * 64)
    with pytest.raises(rs.StudyError, match="share 2 proteins"):
        proteins([planted()], chosen, both, n_draws=2)


def test_the_test_set_does_not_reach_the_choice():
    """Other contacts in the test set change its scores, and neither choice nor prior."""
    chosen, scored = sets()
    other = ProteinSet("two", tuple(Protein(one.name, one.sequence, pairs=((0, 30),)) for one in scored), None, "2" * 64)
    first, second = (proteins([planted()], chosen, test, n_draws=2) for test in (scored, other))
    columns = ["layer", "head", "threshold"]
    kept = [study.results[study.results.measure.isin(["f1_macro", "f1_micro"])] for study in (first, second)]
    assert kept[0][columns].equals(kept[1][columns]) and not kept[0]["value"].equals(kept[1]["value"])
    assert first.chosen == second.chosen


def test_the_prior_counts_pairs_that_are_seen_and_ranks_by_separation_alone():
    chain = Protein("x", "A" * 9, pairs=((0, 6), (2, 8)), unresolved=frozenset({1}))
    assert fit_separation([chain])[6:].tolist() == [1.0, 0.0, 0.0]
    (layer,) = separation_prior([chain]).stream([Protein("longer", "A" * 12)])
    assert layer.scored and layer.maps.shape == (1, 12, 12)
    assert layer.maps[0, 0, 6] == 1 and layer.maps[0, 11, 0] == layer.maps[0, 0, 8] == 0


# Models


def tiny(folder: Path, **config: object) -> Path:
    from transformers import EsmConfig, EsmForMaskedLM, EsmTokenizer

    torch.manual_seed(0)
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "layer_norm_eps": 1e-5}
    made = EsmConfig(vocab_size=33, pad_token_id=1, mask_token_id=32, position_embedding_type="rotary", token_dropout=True, **sizes, **config)
    EsmForMaskedLM(made).save_pretrained(folder)
    words = folder / "words.txt"
    words.write_text("\n".join(ESM2_WORDS))
    EsmTokenizer(str(words)).save_pretrained(folder)
    return folder


def test_a_checkpoint_with_amino_acids_is_a_protein_model_and_reads_as_its_tokenizer(tmp_path):
    from transformers import AutoTokenizer

    folder = tiny(tmp_path)
    probe = load(folder)
    assert probe.reader.alphabet == "protein"
    text = AMINO_ACIDS + "XBZUO"
    assert list(probe.reader.read(text).rows[0]) == AutoTokenizer.from_pretrained(folder)(text)["input_ids"]
    chains = [folded("a", 1), Protein("b", "MKTAYIAKQRX")]
    for layer in probe.attention(chains):
        length = len(chains[layer.index])
        assert layer.maps.shape == (4, length, length) and (layer.maps.sum(-1) < 1).all()
    assert {index: logits.shape for index, logits in probe.logits(chains)} == {0: (60, 20), 1: (11, 20)}


def test_attention_is_what_the_network_reports_without_its_special_tokens(tmp_path):
    probe = load(tiny(tmp_path))
    chain = folded("a", 1)
    ids = torch.tensor(probe.reader.read(chain.sequence).rows)
    with torch.no_grad():
        reported = probe.network(ids, attention_mask=torch.ones_like(ids), output_attentions=True).attentions
    for layer in probe.attention([chain]):
        assert torch.allclose(layer.maps, reported[layer.layer][0, :, 1:-1, 1:-1], atol=1e-6)


def test_the_whole_analysis_runs_on_a_tiny_checkpoint(tmp_path):
    name = str(tiny(tmp_path))
    study = proteins(protein_contenders([name]), *sets(), n_draws=5)
    assert list(dict.fromkeys(study.results.role)) == ["trained", "untrained", "floor"]
    assert study.heads[Path(name).name].shape == (2, 4)
    assert study.results.value.dropna().between(0, 1).all()


def test_the_untrained_twin_of_a_card_has_its_true_size_and_needs_no_network(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    twin = load("esm2-8m@untrained", seed=3)
    assert (twin.n_layers, twin.n_heads, twin.width, twin.vocabulary) == (6, 20, 320, 33)
    assert twin.n_parameters == pytest.approx(7.5e6, rel=0.01)
    config = twin.network.config
    assert config.layer_norm_eps == 1e-5 and config.token_dropout and config.position_embedding_type == "rotary"
    assert twin.weights_sha256 == load("esm2-8m@untrained", seed=3).weights_sha256 != load("esm2-8m@untrained", seed=4).weights_sha256


@pytest.mark.parametrize("key", [key for key, card in cards().items() if card.group == "protein"])
def test_every_protein_card_says_so_and_states_its_size(key):
    """Parameters counted from layers and width: 12 d^2 + 13 d a layer, embedding, last norm, and the head."""
    card = cards()[key]
    layers, _, width = card.sizes
    count = layers * (12 * width**2 + 13 * width) + 33 * width + 2 * width + (width**2 + 3 * width + 33)
    assert card.alphabet == "protein" and count / 1e6 == pytest.approx(card.parameters_million, rel=0.07)


def test_protein_models_are_never_scored_on_rna():
    from rnastudy.analyses import contenders

    with pytest.raises(rs.StudyError, match="esm2-8m is a protein model.*rnastudy run proteins --model esm2-8m"):
        contenders(["esm2-8m"])
    twin = load("esm2-8m@untrained")
    rna = rs.Rna("x", "GGGAAACCC", pairs=((0, 8),))
    for ask in (twin.skipped, lambda one: next(twin.attention(one)), lambda one: next(twin.hidden(one)), lambda one: next(twin.logits(one))):
        with pytest.raises(rs.StudyError, match="protein model, 'x' an RNA"):
            ask([rna])
    with pytest.raises(rs.StudyError, match="is a model of RNA, 'toy' a protein"):
        load("mapconv-9k").skipped([Protein("toy", "ACGAC")])


def test_the_reader_refuses_what_it_cannot_read():
    reader = esm2_reader()
    assert reader.read("MJ".replace("J", "X")).rows == ((0, 20, 24, 2),)
    assert ProteinReader({word: number for number, word in enumerate(ESM2_WORDS) if word not in "BZUOX"}).read("MX").rows == ((0, 20, 3, 2),)
    for rows, message in ((("M*",), r"letter '\*' cannot be read"), (("MK", "M-"), "an alignment cannot be read")):
        with pytest.raises(rs.StudyError, match=message):
            reader.read(*rows)
    with pytest.raises(rs.StudyError, match=r"no token for \['W'\]"):
        ProteinReader({word: number for number, word in enumerate(ESM2_WORDS) if word != "W"})
    with pytest.raises(rs.StudyError, match="stands for a base"):
        reader.pieces()


def test_models_that_were_not_run_are_shown_as_such():
    table = protein_models().set_index("model")
    assert {"esm2", "esm2-8m", "esm2-15b"} <= set(table.index)
    assert table.state.str.startswith("not run").all()
    assert table.loc["esm2-35m", "command"] == "rnastudy run proteins --model esm2-35m"


# The page


def test_the_page_runs_offline_and_says_what_was_not_run(tmp_path):
    from rnastudy.runs import run_analysis

    run_analysis("proteins", tmp_path / "run", {"limit": 5, "n_draws": 5}, offline=True, progress=False)
    numbers = json.loads((tmp_path / "run" / "numbers.json").read_text())
    assert numbers["n_trained"] == 0 and numbers["answer"].startswith("Not answered here")
    stamp = json.loads((tmp_path / "run" / "stamp.json").read_text())
    assert stamp["finished"] and set(stamp["data"]) == {"proteins_select", "proteins_test"}
    with (tmp_path / "run" / "models.csv").open() as file:
        assert all(row["state"].startswith("not run") for row in csv.DictReader(file))

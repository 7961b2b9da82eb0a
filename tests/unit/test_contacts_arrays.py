"""Arrays in, numbers out: `score_maps` on files, good and broken."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rnastudy.contacts import Setting, best_per_head, score_maps
from rnastudy.contacts.arrays import MapFolder
from rnastudy.contacts.lattice import LOWEST
from rnastudy.errors import StudyError

STRUCTURES = {
    "one": ("GGGGAAAACCCC", "((((....))))"),
    "two": ("GGGCAAAAGCCCAA", "((((....)))).."),
    "three": ("ACGGGAAAAACCCU", "..(((.....)))."),
}


def softmax(logits):
    maps = np.exp(logits - logits.max(-1, keepdims=True))
    return maps / maps.sum(-1, keepdims=True)


def pairs_of(brackets):
    stack, pairs = [], []
    for j, sign in enumerate(brackets):
        if sign == "(":
            stack.append(j)
        elif sign == ")":
            pairs.append((stack.pop(), j))
    return sorted(pairs)


def write_set(folder, structures, seed, signal=6.0, as_csv=False, n_layers=2):
    """Maps of 2 layers x 3 heads, of which layer 1, head 2 sees the structure; and the file of structures."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for name, (sequence, brackets) in structures.items():
        logits = rng.normal(size=(n_layers, 3, len(sequence), len(sequence)))
        for i, j in pairs_of(brackets):
            logits[-1, 2, [i, j], [j, i]] += signal
        np.save(folder / f"{name}.npy", softmax(logits).astype(np.float32))
    if as_csv:
        rows = [f'{name},{seq},"{json.dumps(pairs_of(db))}"' for name, (seq, db) in structures.items()]
        file = folder.parent / f"{folder.name}.csv"
        file.write_text("name,sequence,pairs\n" + "\n".join(rows) + "\n")
    else:
        file = folder.parent / f"{folder.name}.dbn"
        file.write_text("".join(f">{name}\n{seq}\n{db}\n" for name, (seq, db) in structures.items()))
    return folder, file


@pytest.fixture
def sets(tmp_path):
    renamed = {f"t_{name}": value for name, value in STRUCTURES.items()}
    return *write_set(tmp_path / "select", STRUCTURES, 0), *write_set(tmp_path / "test", renamed, 1, as_csv=True)


def best_by_loops(folder, structures, protocol):
    """The definition, with nothing shared with the package: float64, every head, every threshold."""
    levels = np.arange(1001) / 1000 if protocol == "review" else Setting("careful").lattice.levels
    apart = 1 if protocol == "review" else 4
    tallies = []
    for name, (_, brackets) in structures.items():
        maps = np.load(folder / f"{name}.npy").astype(np.float64)
        true = np.zeros(maps.shape[-2:], dtype=bool)
        for pair in pairs_of(brackets):
            true[pair] = True
        summed = maps + np.swapaxes(maps, -1, -2)
        total = summed.sum((-1, -2), keepdims=True)
        scores = summed - summed.sum(-1, keepdims=True) * summed.sum(-2, keepdims=True) / total
        scores = 1 / (1 + np.exp(-scores)) if protocol == "review" else scores
        i, j = np.triu_indices(len(true), apart)
        called = scores[..., i, j, None] >= levels
        tallies.append((called.sum(-2), (called & true[i, j, None]).sum(-2), true[i, j].sum()))
    predicted, found, reference = (np.array(part) for part in zip(*tallies, strict=True))
    micro = 2 * found.sum(0) / (predicted.sum(0) + reference.sum())
    per_rna = 2 * found / (predicted + reference[:, None, None, None])
    return levels, micro, per_rna.mean(0), per_rna


@pytest.mark.parametrize("protocol", ["review", "careful"])
def test_result_is_the_definition_in_the_given_schema(sets, tmp_path, protocol):
    out = tmp_path / "new" / "result.json"
    returned = score_maps(*sets, protocol, out)
    result = json.loads(out.read_text())
    assert result == returned and list(tmp_path.glob("new/.*")) == []
    assert list(result)[:3] == ["protocol", "selected", "test"] and result["protocol"] == protocol
    assert list(result["selected"]) == ["layer", "head", "threshold", "f1_micro", "f1_macro"]
    assert list(result["test"]) == ["f1_micro", "f1_macro", "per_rna"]
    levels, micro, macro, _ = best_by_loops(sets[0], STRUCTURES, protocol)
    f1 = micro if protocol == "review" else macro
    layer, head, level = np.unravel_index(np.round(f1, 12).argmax(), f1.shape)
    chosen = result["selected"]
    assert (chosen["layer"], chosen["head"], chosen["threshold"]) == (layer, head, levels[level]) and (layer, head) == (1, 2)
    assert chosen["f1_micro"] == pytest.approx(micro[layer, head, level])
    assert chosen["f1_macro"] == pytest.approx(macro[layer, head, level])
    renamed = {f"t_{name}": value for name, value in STRUCTURES.items()}
    _, micro, macro, per_rna = best_by_loops(sets[2], renamed, protocol)
    assert result["test"]["f1_micro"] == pytest.approx(micro[layer, head, level])
    assert result["test"]["f1_macro"] == pytest.approx(macro[layer, head, level])
    expected = dict(zip(renamed, per_rna[:, layer, head, level], strict=True))
    assert result["test"]["per_rna"] == pytest.approx(expected)
    assert result["n_shared_sequences"] == 3


def test_maps_without_layers_are_layer_0(sets, tmp_path):
    for folder in (sets[0], sets[2]):
        for path in folder.glob("*.npy"):
            np.save(path, np.load(path).reshape(6, *np.load(path).shape[2:]))
    chosen = score_maps(*sets, "careful", tmp_path / "r.json")["selected"]
    assert (chosen["layer"], chosen["head"]) == (0, 5)


def test_an_rna_without_pairs_has_null_for_f1(sets, tmp_path):
    text = sets[3].read_text().splitlines()
    text[1] = text[1].split(",")[0] + "," + text[1].split(",")[1] + ",[]"
    sets[3].write_text("\n".join(text) + "\n")
    score_maps(*sets, "careful", tmp_path / "r.json")
    result = json.loads((tmp_path / "r.json").read_text())
    assert result["test"]["per_rna"]["t_one"] is None and result["n_test_without_pairs"] == 1
    assert result["test"]["f1_macro"] is not None


def test_a_choice_of_every_pair_can_be_written(tmp_path):
    """Maps that say nothing: all pairs is the best there is, and its threshold is still a number."""
    folder, file = write_set(tmp_path / "flat", {"one": ("GGAAACC", "((...))")}, 0)
    np.save(folder / "one.npy", np.full((1, 1, 7, 7), 1 / 7))
    out = tmp_path / "r.json"
    score_maps(folder, file, folder, file, "careful", out)
    assert json.loads(out.read_text())["selected"]["threshold"] == LOWEST


def spoil_first(change):
    def spoil(sets):
        path = sets[2] / "t_one.npy"
        np.save(path, change(np.load(path)))

    return spoil


def with_value(value):
    def change(maps):
        maps[1, 0, 2, 3] = value
        return maps

    return spoil_first(change)


BROKEN = {
    "missing": (lambda sets: (sets[2] / "t_one.npy").unlink(), r"no t_one.npy \(1 of 3 RNAs lack maps\)"),
    "extra": (lambda sets: np.save(sets[2] / "ghost.npy", np.eye(3)), "no RNA 'ghost'"),
    "length": (spoil_first(lambda maps: maps[..., 1:, 1:]), r"t_one.npy: shape \(2, 3, 11, 11\), but RNA 't_one' has 12 bases"),
    "not square": (spoil_first(lambda maps: maps[..., 1:]), "t_one.npy: shape"),
    "one map": (spoil_first(lambda maps: maps[0, 0]), "t_one.npy: shape"),
    "no heads": (spoil_first(lambda maps: maps[:, :0]), "t_one.npy: shape"),
    "other heads": (spoil_first(lambda maps: maps[:, :2]), "layers x heads"),
    "nan": (with_value(np.nan), "t_one.npy: layer 1 holds NaN or infinity"),
    "negative": (with_value(-0.25), "t_one.npy: layer 1 holds -0.25; .* give the softmax"),
    "not softmaxed": (spoil_first(lambda maps: 3 * maps), "a row of layer 0 sums to 3; give the softmax itself"),
    "objects": (
        spoil_first(lambda maps: np.array([{"run": "me"}], dtype=object)),
        "t_one.npy: holds Python objects, not numbers; write one array of real numbers with numpy.save",
    ),
    "complex": (spoil_first(lambda maps: maps.astype(complex)), "holds complex128"),
    "text": (lambda sets: (sets[2] / "t_one.npy").write_text("0.1 0.9"), "t_one.npy: is no whole .npy file; write one array"),
    "cut short": (lambda sets: (sets[2] / "t_one.npy").write_bytes((sets[2] / "t_one.npy").read_bytes()[:300]), "t_one.npy: is no whole .npy file"),
    "several": (lambda sets: np.savez((sets[2] / "t_one.npy").open("wb"), a=np.eye(2)), "t_one.npy: holds several arrays"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_input_is_named_in_one_line_and_nothing_is_written(sets, tmp_path, case):
    spoil, message = BROKEN[case]
    spoil(sets)
    with pytest.raises(StudyError, match=message) as caught:
        score_maps(*sets, "careful", tmp_path / "r.json")
    assert "\n" not in str(caught.value) and "allow_pickle" not in str(caught.value)
    assert not (tmp_path / "r.json").exists()


def test_two_sets_of_one_model_only(sets, tmp_path):
    for path in sets[2].glob("*.npy"):
        np.save(path, np.load(path)[:, :2])
    with pytest.raises(StudyError, match=r"\(2, 2\) layers x heads, .*select \(2, 3\)"):
        score_maps(*sets, "careful", tmp_path / "r.json")


def test_folders_structures_and_protocols_that_are_not_there(sets, tmp_path):
    with pytest.raises(StudyError, match="no such folder"):
        score_maps(tmp_path / "none", *sets[1:], "careful", tmp_path / "r.json")
    with pytest.raises(StudyError, match="none.csv"):
        score_maps(sets[0], tmp_path / "none.csv", *sets[2:], "careful", tmp_path / "r.json")
    with pytest.raises(StudyError, match="did you mean careful"):
        score_maps(*sets, "carefull", tmp_path / "r.json")
    sets[1].with_suffix(".fa").write_text("".join(f">{name}\n{seq}\n" for name, (seq, _) in STRUCTURES.items()))
    with pytest.raises(StudyError, match="has no structure"):
        score_maps(sets[0], sets[1].with_suffix(".fa"), *sets[2:], "careful", tmp_path / "r.json")


def test_a_result_that_cannot_be_written_is_refused_first(sets, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot write .*file is no folder; choose another --out"):
        score_maps(tmp_path / "none", *sets[1:], "careful", tmp_path / "file" / "r.json")
    with pytest.raises(StudyError, match="cannot write .*; choose another --out"):
        score_maps(*sets, "careful", tmp_path)
    assert not list(tmp_path.parent.glob(".*.part"))


def test_half_precision_and_integer_maps_are_read(sets, tmp_path):
    for folder in (sets[0], sets[2]):
        for path in folder.glob("*.npy"):
            np.save(path, np.load(path).astype(np.float16))
    assert score_maps(*sets, "careful", tmp_path / "r.json")["selected"]["head"] == 2
    folder, file = write_set(tmp_path / "hard", STRUCTURES, 0)
    for name, (sequence, brackets) in STRUCTURES.items():
        hard = np.zeros((1, 1, len(sequence), len(sequence)), dtype=np.int8)
        for i, j in pairs_of(brackets):
            hard[0, 0, [i, j], [j, i]] = 1
        np.save(folder / f"{name}.npy", hard)
    assert score_maps(folder, file, folder, file, "careful", tmp_path / "h.json")["test"]["f1_macro"] == 1


def test_maps_released_by_the_authors_of_rna_msm(real_data, tmp_path):
    """A head of RNA-MSM chosen on one RNA knows another's structure; what is lost lies in the threshold that moves with it."""
    folding = pytest.importorskip("RNA", reason="ViennaRNA is not installed: no reference for 6XJQ_A")
    source = real_data / "released-maps" / "rna-msm"
    sequence = source.joinpath("6XJQ_A.fasta").read_text().split("\n")[1].strip().upper().replace("T", "U")
    lines = [line.split() for line in source.joinpath("2DRB_1.bpseq").read_text().splitlines() if line[:1].isdigit()]
    known = "".join("." if int(k) == 0 else "(" if int(k) > int(i) else ")" for i, _, k in lines)
    for folder, name, maps, bases, brackets in (
        ("select", "2DRB_1", "2DRB_1_atp.npy", "".join(base for _, base, _ in lines), known),
        ("test", "6XJQ_A", "6XJQ_A.npy", sequence, folding.fold(sequence)[0]),
    ):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / f"{name}.npy", np.load(source / maps, allow_pickle=False))
        (tmp_path / f"{folder}.dbn").write_text(f">{name}\n{bases}\n{brackets}\n")
    paths = [tmp_path / part for part in ("select", "select.dbn", "test", "test.dbn")]
    result = score_maps(*paths, "careful", tmp_path / "r.json")
    assert result["selected"]["f1_macro"] == pytest.approx(0.96)
    assert result["test"]["f1_macro"] == pytest.approx(0.773, abs=0.01)
    test_counts = MapFolder.open(*paths[2:]).scan(Setting("careful"))
    per_head = best_per_head(test_counts)
    assert per_head[0, result["selected"]["head"]] == pytest.approx(0.97, abs=0.005)
    assert np.median(per_head) < 0.03 and per_head.max() == 1

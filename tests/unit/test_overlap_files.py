"""Embeddings from files: results by hand, and one line for everything that can be wrong with a file."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import scipy.fft

from rnastudy.errors import StudyError
from rnastudy.overlap import careful, read_embeddings, read_labels, review, score_embeddings

KEYS = ["protocol", "descriptor", "overlap_ratio", "overlap_coefficient", "auroc", "average_precision", "knn_accuracy", "n_positive", "n_negative"]
FAMILIES = dict(zip("abcdefghij", ["x"] * 4 + ["y"] * 3 + ["z"] * 3, strict=True))


@pytest.fixture
def states():
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=(rng.integers(20, 40), 16)).astype(np.float32) + ord(family) % 3 for name, family in FAMILIES.items()}


@pytest.fixture
def folder(tmp_path, states):
    (tmp_path / "e").mkdir()
    for name, array in states.items():
        np.save(tmp_path / "e" / f"{name}.npy", array)
    rows = [f"{name},{family},{'C' if family in 'xy' else ''}\n" for name, family in reversed(FAMILIES.items())]
    (tmp_path / "l.csv").write_text("name,family,clan\n" + "".join(rows))
    return tmp_path


@pytest.fixture
def fewer_pairs(monkeypatch):
    monkeypatch.setattr("rnastudy.overlap.files.review", partial(review, n=2000))


def score(folder, protocol="careful", embeddings="e"):
    return score_embeddings(folder / embeddings, folder / "l.csv", protocol, folder / "result.json", seed=3)


def test_careful_takes_the_mean_over_bases_and_leaves_clan_mates_out(folder, states):
    result = score(folder)
    assert list(result) == KEYS
    assert json.loads((folder / "result.json").read_text()) == result
    clans = ["C" if family in "xy" else None for family in FAMILIES.values()]
    expected = careful(np.stack([array.astype(float).mean(axis=0) for array in states.values()]), list(FAMILIES.values()), clans)
    assert (result["protocol"], result["descriptor"]) == ("careful", "mean")
    assert (result["n_positive"], result["n_negative"]) == (12, 21)
    assert result["auroc"] == pytest.approx(expected.auroc)
    assert result["overlap_ratio"] == pytest.approx(expected.overlap_ratio)


def test_review_takes_the_fourier_descriptor_of_the_array_as_given(folder, states):
    result = score(folder, "review")
    vectors = np.stack([scipy.fft.fft(10 * array.ravel(), n=128).real for array in states.values()])
    expected = review(vectors, list(FAMILIES.values()), seed=3)
    assert (result["protocol"], result["descriptor"], result["n_positive"], result["n_negative"]) == ("review", "fft", 100_000, 100_000)
    assert [result[key] for key in KEYS[2:7]] == pytest.approx([getattr(expected, key) for key in KEYS[2:7]])


def test_everything_behind_the_first_128_values_is_ignored_by_review_and_read_by_careful(folder, states, fewer_pairs):
    before = score(folder, "review"), score(folder)
    rng = np.random.default_rng(1)
    for name, array in states.items():
        flat = array.ravel().copy()
        flat[128:] = rng.normal(size=flat.size - 128)
        np.save(folder / "e" / f"{name}.npy", flat.reshape(array.shape))
    assert score(folder, "review") == before[0]
    assert score(folder) != before[1]


@pytest.mark.parametrize("protocol", ["review", "careful"])
def test_vectors_score_the_same_from_a_folder_and_from_an_npz(folder, states, protocol, fewer_pairs):
    for name, array in states.items():
        np.save(folder / "e" / f"{name}.npy", array.mean(axis=0))
    np.savez(folder / "v.npz", names=list(states), vectors=np.stack([array.mean(axis=0) for array in states.values()]))
    assert score(folder, protocol) == score(folder, protocol, "v.npz")


def test_integers_and_half_precision_are_numbers(folder):
    for name in FAMILIES:
        np.save(folder / "e" / f"{name}.npy", (100 * np.load(folder / "e" / f"{name}.npy")).astype(np.float16 if name < "e" else np.int32))
    assert 0 <= score(folder)["auroc"] <= 1


def fails(folder, message, protocol="careful", embeddings="e"):
    with pytest.raises(StudyError, match=message) as caught:
        score(folder, protocol, embeddings)
    assert "\n" not in str(caught.value) and "allow_pickle" not in str(caught.value)
    assert not (folder / "result.json").exists()
    assert not list(folder.glob(".result*"))


def test_unknown_protocol(folder):
    fails(folder, "unknown protocol 'carefull'; did you mean careful", "carefull")


def test_names_must_match_one_to_one(folder):
    (folder / "e" / "a.npy").rename(folder / "e" / "A1.npy")
    fails(folder, r"no embedding for 'a' of .*; no label for 'A1' of .*one to one")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((4, 16), np.nan), "'a' of .* holds NaN"),
        (np.zeros((4, 16)), "a is all zeros"),
        (np.ones((4, 15)), "has width 16, others 15"),
        (np.ones((1, 4, 16)), r"'a' of .* has shape \(1, 4, 16\)"),
        (np.ones((0, 16)), r"shape \(0, 16\)"),
        (np.array(["x"] * 16), "a.npy: holds <U1; write one array of real numbers"),
        (np.ones((4, 16), complex), "a.npy: holds complex128; write one array of real numbers"),
    ],
)
def test_arrays_that_cannot_be_used(folder, array, message):
    np.save(folder / "e" / "a.npy", array)
    fails(folder, message)


def test_pickled_objects_are_never_loaded(folder):
    np.save(folder / "e" / "a.npy", np.array([{"code": 1}], dtype=object), allow_pickle=True)
    fails(folder, "a.npy: holds Python objects, not numbers; write one array of real numbers with numpy.save")
    np.savez(folder / "v.npz", names=np.array(list("ab"), dtype=object), vectors=np.eye(2))
    fails(folder, r"v.npz holds Python objects, not numbers; write it with numpy.savez\(FILE, names=numpy.array\(NAMES, dtype=str\)", embeddings="v.npz")


def test_files_that_are_not_what_they_say(folder):
    (folder / "e" / "a.npy").write_bytes(b"")
    fails(folder, "a.npy: is no whole .npy file; write one array")
    np.savez((folder / "e" / "a.npy").open("wb"), a=np.eye(2))
    fails(folder, "a.npy: holds several arrays")
    (folder / "e" / "a.npy").write_bytes(b"\x93NUMPY\x01\x00nonsense")
    fails(folder, "a.npy: is no whole .npy file")
    (folder / "v.npz").write_bytes(b"PK\x03\x04 cut short")
    fails(folder, "v.npz is no whole npz file; write it with numpy.savez", embeddings="v.npz")
    np.save(folder / "v.npy", np.eye(3))
    fails(folder, "is a single array", embeddings="v.npy")
    np.savez(folder / "v.npz", names=["a"], vector=np.eye(1))
    fails(folder, "holds names, vector but no vectors", embeddings="v.npz")
    np.savez(folder / "v.npz", names=["a", "b"], vectors=np.eye(3))
    fails(folder, r"names of shape \(2,\)", embeddings="v.npz")
    np.savez(folder / "v.npz", names=["a", "a"], vectors=np.eye(2))
    fails(folder, "name 'a' is there more than once", embeddings="v.npz")
    fails(folder, "do not exist; give a folder", embeddings="nowhere")
    (folder / "empty").mkdir()
    fails(folder, "holds no .npy file", embeddings="empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,group\na,x\n", "no column family among name, group"),
        ("name\tfamily\na\tx\n", "l.csv: looks tab-separated; write it with commas"),
        ("name;family\na;x\n", "l.csv: looks semicolon-separated; write it with commas"),
        ("", "no column name or family among none"),
        ("name,family\n", "no rows below the header"),
        ("name,family\na,x\nb,\n", "line 3: family is empty"),
        ("name,family\na,x\na,y\n", "line 3: 'a' is there twice"),
        ('name,family\n"a,x\n', "cannot be read"),
    ],
)
def test_labels_that_cannot_be_used(folder, text, message):
    (folder / "l.csv").write_text(text)
    fails(folder, message)


def test_labels_in_other_bytes(folder):
    (folder / "l.csv").write_bytes("name,family\nä,x\n".encode("latin-1"))
    fails(folder, "l.csv cannot be read: no UTF-8 text; give a CSV")


def test_labels_may_have_other_columns_spaces_and_a_byte_order_mark(tmp_path):
    (tmp_path / "l.csv").write_text("\ufeffname, note ,family\r\na,1, x \r\n", encoding="utf-8")
    assert read_labels(tmp_path / "l.csv") == ({"a": "x"}, {"a": ""})


def test_a_folder_is_read_in_the_order_of_names(folder):
    assert read_embeddings(folder / "e")[0] == sorted(FAMILIES)


def test_a_folder_that_cannot_be_written_to(folder):
    with pytest.raises(StudyError, match="cannot write .*l.csv is no folder; choose another --out"):
        score_embeddings(folder / "nowhere", folder / "l.csv", "careful", folder / "l.csv" / "result.json")
    with pytest.raises(StudyError, match="cannot write .*; choose another --out"):
        score_embeddings(folder / "e", folder / "l.csv", "careful", folder / "e")


def test_folders_of_the_result_are_made(folder):
    score_embeddings(folder / "e", folder / "l.csv", "careful", folder / "new" / "dir" / "r.json")
    assert [path.name for path in (folder / "new" / "dir").iterdir()] == ["r.json"]

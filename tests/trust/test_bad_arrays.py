"""Arrays and checkpoints that are wrong: one line that names the file, and no result."""

from __future__ import annotations

import json
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from rnastudy import models
from rnastudy.contacts.arrays import score_maps
from rnastudy.errors import StudyError
from rnastudy.models.cards import embedded_folder
from rnastudy.models.weights import read_tensors
from rnastudy.overlap.files import score_embeddings
from tests.trust.told import assert_told

Spoil = Callable[[Path], object]
SEQUENCE, STRUCTURE = "GGGAAACCC", "(((...)))"


class Planted:
    """An object that would leave a file behind if it were ever unpickled."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("unpickled"),))


def softmaxed(shape: tuple[int, ...] = (1, 2, 9, 9)) -> np.ndarray:
    maps = np.random.default_rng(0).random(shape)
    return maps / maps.sum(-1, keepdims=True)


def changed(change: Callable[[np.ndarray], np.ndarray]) -> Spoil:
    return lambda folder: np.save(folder / "b.npy", change(np.load(folder / "b.npy")))


def raw(content: Callable[[bytes], bytes]) -> Spoil:
    return lambda folder: (folder / "b.npy").write_bytes(content((folder / "b.npy").read_bytes()))


def put(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array.flat[3] = value
        return array

    return change


def as_objects(folder: Path) -> None:
    np.save(folder / "b.npy", np.array([Planted()], dtype=object), allow_pickle=True)


#: What is wrong with an array of either kind.
ARRAYS: dict[str, tuple[Spoil, str]] = {
    "nan": (changed(put(np.nan)), "NaN or infinity"),
    "infinity": (changed(put(np.inf)), "NaN or infinity"),
    "complex": (changed(lambda array: array.astype(complex)), "complex128"),
    "words": (changed(lambda array: array.astype(str)), "numpy.save"),
    "booleans": (changed(lambda array: array > 0), "holds bool"),
    "dates": (changed(lambda array: array.astype("datetime64[s]")), "datetime64"),
    "records": (changed(lambda array: np.zeros(3, dtype=[("a", "f4")])), "numpy.save"),
    "objects": (as_objects, "holds Python objects, not numbers"),
    "a-pickle": (lambda folder: (folder / "b.npy").write_bytes(pickle.dumps(Planted())), "no whole .npy file"),
    "empty-file": (raw(lambda content: b""), "no whole .npy file"),
    "text": (raw(lambda content: b"0.1 0.9\n"), "numpy.save"),
    "magic-only": (raw(lambda content: content[:6]), "no whole .npy file"),
    "header-cut": (raw(lambda content: content[:40]), "no whole .npy file"),
    "numbers-cut": (raw(lambda content: content[:-8]), "no whole .npy file"),
    "header-nul": (raw(lambda content: content.replace(b"(", b"\0", 1)), "no whole .npy file"),
    "version-unknown": (raw(lambda content: content[:6] + b"\x09" + content[7:]), "no whole .npy file"),
    "several-arrays": (lambda folder: np.savez((folder / "b.npy").open("wb"), a=np.eye(2)), "holds several arrays"),
    "a-folder": (lambda folder: ((folder / "b.npy").unlink(), (folder / "b.npy").mkdir()), "b.npy"),
    "four-numbers": (changed(lambda array: array.ravel()[:4].reshape(1, 1, 1, 1, 4)), "shape"),
    "no-numbers": (changed(lambda array: array[:0]), "shape"),
}
MAPS: dict[str, tuple[Spoil, str]] = {
    "maps-negative": (changed(put(-0.1)), "holds -0.1; attention after softmax is never negative"),
    "maps-logits": (changed(lambda maps: maps * 9), "a row of layer 0 sums to 9"),
    "maps-with-special-tokens": (changed(lambda maps: np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))), "shape (1, 2, 11, 11), but RNA 'b' has 9 bases"),
    "maps-not-square": (changed(lambda maps: maps[..., :8]), "shape (1, 2, 9, 8)"),
    "maps-other-heads": (changed(lambda maps: maps[:, :1]), "layers x heads"),
    "maps-one-map": (changed(lambda maps: maps[0, 0]), "shape (9, 9)"),
    "maps-lacking": (lambda folder: (folder / "b.npy").unlink(), "no b.npy (1 of 2 RNAs lack maps)"),
    "maps-left-over": (lambda folder: np.save(folder / "c.npy", softmaxed()), "no RNA 'c' (1 maps lack structures)"),
    "maps-folder-gone": (shutil.rmtree, "no such folder"),
    "structures-gone": (lambda folder: folder.with_suffix(".dbn").unlink(), "no such file"),
    "structures-unknown": (lambda folder: folder.with_suffix(".dbn").write_text(f">a\n{SEQUENCE}\n>b\n{SEQUENCE}\n"), "0 bases and 9 structure characters"),
    "structures-of-other-length": (lambda folder: folder.with_suffix(".dbn").write_text(">a\nGAC\n(.)\n>b\nGAC\n(.)\n"), "has 3 bases"),
    "structures-name-twice": (lambda folder: folder.with_suffix(".dbn").write_text(f">a\n{SEQUENCE}\n{STRUCTURE}\n" * 2), "RNA 'a' was already named"),
    "structures-name-a-path": (lambda folder: folder.with_suffix(".dbn").write_text(f">../a\n{SEQUENCE}\n{STRUCTURE}\n"), "no ../a.npy"),
}
VECTORS: dict[str, tuple[Spoil, str]] = {
    "vectors-other-width": (changed(lambda states: states[:, :3]), "embedding 'b' of "),
    "vectors-one-number": (changed(lambda states: np.array(1.0)), "has shape ()"),
    "vectors-three-axes": (changed(lambda states: states[None]), "has shape (1, 5, 4)"),
    "vectors-lacking": (lambda folder: (folder / "b.npy").unlink(), "no embedding for 'b'"),
    "vectors-left-over": (lambda folder: np.save(folder / "z.npy", np.eye(4)), "no label for 'z'"),
    "vectors-none": (lambda folder: [path.unlink() for path in folder.glob("*.npy")], "holds no .npy file"),
    "vectors-folder-gone": (shutil.rmtree, "do not exist; give"),
}
LABELS: dict[str, tuple[str | bytes, str]] = {
    "labels-empty": ("", "no column name or family among none"),
    "labels-header-only": ("name,family\n", "no rows below the header"),
    "labels-no-family": ("name,clan\na,x\n", "no column family among name, clan"),
    "labels-tabs": ("name\tfamily\na\tx\n", "looks tab-separated"),
    "labels-semicolons": ("name;family\na;x\n", "looks semicolon-separated"),
    "labels-family-empty": ("name,family\na,\n", "line 2: family is empty"),
    "labels-name-empty": ("name,family\n,x\n", "line 2: name is empty"),
    "labels-name-twice": ("name,family\na,x\na,y\n", "line 3: 'a' is there twice"),
    "labels-column-twice": ("name,family,family\na,x,y\n", "column 'family' is there twice"),
    "labels-row-too-long": ("name,family\na,x,y\nb,x\n", "line 2: 3 cells under 2 columns"),
    "labels-row-too-short": ("name,clan,family\na,x\n", "line 2: "),
    "labels-quote-open": ('name,family\n"a,x\n', "cannot be read"),
    "labels-no-text": (b"name,family\n\xff,x\n", "no UTF-8 text"),
    "labels-one-family": ("name,family\na,x\nb,x\nc,x\nd,x\n", "famil"),
    "labels-families-of-one": ("name,family\na,w\nb,x\nc,y\nd,z\n", "famil"),
}
NPZ: dict[str, tuple[Callable[[Path], object], str]] = {
    "npz-no-names": (lambda path: np.savez(path, vectors=np.eye(4)), "no names"),
    "npz-no-vectors": (lambda path: np.savez(path, names=list("abcd")), "no vectors"),
    "npz-nothing": (lambda path: np.savez(path), "holds nothing"),
    "npz-no-rows": (lambda path: np.savez(path, names=np.array([], dtype=str), vectors=np.zeros((0, 4))), "no names and no vectors"),
    "npz-names-numbers": (lambda path: np.savez(path, names=np.arange(4), vectors=np.eye(4)), "give S strings"),
    "npz-names-objects": (lambda path: np.savez(path, names=np.array(list("abcd"), dtype=object), vectors=np.eye(4)), "holds Python objects"),
    "npz-names-twice": (lambda path: np.savez(path, names=list("aacd"), vectors=np.eye(4)), "the name 'a' is there more than once"),
    "npz-fewer-vectors": (lambda path: np.savez(path, names=list("abcd"), vectors=np.eye(3)), "vectors of shape (3, 3)"),
    "npz-flat-vectors": (lambda path: np.savez(path, names=list("abcd"), vectors=np.ones(4)), "vectors of shape (4,)"),
    "npz-nan": (lambda path: np.savez(path, names=list("abcd"), vectors=np.full((4, 4), np.nan)), "embedding 'a' of"),
    "npz-words": (lambda path: np.savez(path, names=list("abcd"), vectors=np.full((4, 4), "x")), "give real numbers"),
    "npz-one-array": (lambda path: np.save(path.open("wb"), np.eye(4)), "is a single array"),
    "npz-cut": (lambda path: (np.savez(path, names=list("abcd"), vectors=np.eye(4)), path.write_bytes(path.read_bytes()[:-30])), "no whole npz file"),
    "npz-spoilt-inside": (
        lambda path: (
            np.savez_compressed(path, names=list("abcd"), vectors=np.eye(4)),
            path.write_bytes(path.read_bytes().replace(b"vectors.npy", b"vectors.npx", 1)),
        ),
        "npz",
    ),
}


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for part in ("select", "test"):
        (tmp_path / part).mkdir()
        (tmp_path / f"{part}.dbn").write_text("".join(f">{name}\n{SEQUENCE}\n{STRUCTURE}\n" for name in "ab"))
        for name in "ab":
            np.save(tmp_path / part / f"{name}.npy", softmaxed())
    return tmp_path


@pytest.fixture
def vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e").mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        np.save(tmp_path / "e" / f"{name}.npy", rng.random((5, 4)))
    (tmp_path / "l.csv").write_text("name,family\na,x\nb,x\nc,y\nd,y\n")
    return tmp_path


def nothing_came_of_it(folder: Path) -> None:
    assert not (folder / "r.json").exists() and not (folder / "unpickled").exists() and not list(folder.rglob("*.part"))


def test_good_arrays_are_scored(maps: Path) -> None:
    assert score_maps("select", "select.dbn", "test", "test.dbn", "careful", "r.json")["n_test"] == 2


@pytest.mark.parametrize("kind", [*ARRAYS, *MAPS])
def test_maps_that_are_wrong_are_one_line(maps: Path, kind: str) -> None:
    spoil, said = (ARRAYS | MAPS)[kind]
    spoil(maps / "test")
    with pytest.raises(StudyError) as caught:
        score_maps("select", "select.dbn", "test", "test.dbn", "careful", "r.json")
    assert_told(str(caught.value), said, "test" if kind != "structures-name-twice" else "a")
    nothing_came_of_it(maps)


@pytest.mark.parametrize("kind", [*ARRAYS, *VECTORS])
def test_embeddings_that_are_wrong_are_one_line(vectors: Path, kind: str) -> None:
    spoil, said = (ARRAYS | VECTORS)[kind]
    spoil(vectors / "e")
    with pytest.raises(StudyError) as caught:
        score_embeddings("e", "l.csv", "careful", "r.json")
    assert_told(str(caught.value), said)
    nothing_came_of_it(vectors)


@pytest.mark.parametrize("kind", LABELS)
def test_labels_that_are_wrong_are_one_line(vectors: Path, kind: str) -> None:
    content, said = LABELS[kind]
    Path("l.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StudyError) as caught:
        score_embeddings("e", "l.csv", "careful", "r.json")
    assert_told(str(caught.value), said)
    nothing_came_of_it(vectors)


@pytest.mark.parametrize("kind", NPZ)
def test_an_npz_that_is_wrong_is_one_line(vectors: Path, kind: str) -> None:
    write, said = NPZ[kind]
    write(vectors / "e.npz")
    with pytest.raises(StudyError) as caught:
        score_embeddings("e.npz", "l.csv", "careful", "r.json")
    assert_told(str(caught.value), said, "e.npz")
    nothing_came_of_it(vectors)


# Checkpoints ---------------------------------------------------------------------------------------------------------


def tensors(change: Callable[[dict[str, torch.Tensor]], object]) -> Spoil:
    def spoil(folder: Path) -> None:
        held = load_file(folder / "model.safetensors")
        change(held)
        save_file(held, folder / "model.safetensors", metadata={"format": "pt"})

    return spoil


def first_to(value: float) -> Spoil:
    return tensors(lambda held: held[min(held)].view(-1)[:1].fill_(value))


def config(**changes: object) -> Spoil:
    def spoil(folder: Path) -> None:
        held = json.loads((folder / "config.json").read_text()) | changes
        (folder / "config.json").write_text(json.dumps({key: value for key, value in held.items() if value is not None}))

    return spoil


def weights(content: Callable[[bytes], bytes]) -> Spoil:
    return lambda folder: (folder / "model.safetensors").write_bytes(content((folder / "model.safetensors").read_bytes()))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"planted": Planted()}, folder / "pytorch_model.bin")


def renamed(held: dict[str, torch.Tensor]) -> None:
    held["another.weight"] = held.pop(min(held))


def misshapen(held: dict[str, torch.Tensor]) -> None:
    held[min(held)] = torch.zeros(3)


CHECKPOINTS: dict[str, tuple[Spoil, str]] = {
    "checkpoint-empty-folder": (lambda folder: [path.unlink() for path in folder.iterdir()], "has no config.json"),
    "checkpoint-no-config": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    "checkpoint-no-weights": (lambda folder: (folder / "model.safetensors").unlink(), "cannot be read"),
    "config-empty": (lambda folder: (folder / "config.json").write_text(""), "cannot be read"),
    "config-no-json": (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
    "config-a-list": (lambda folder: (folder / "config.json").write_text("[]"), "checkpoint"),
    "config-no-text": (lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe"), "cannot be read"),
    "config-no-type": (config(model_type=None), "architecture"),
    "config-type-unknown": (config(model_type="rnastudy-decoder"), "architecture 'rnastudy-decoder' is not known here"),
    "config-type-a-number": (config(model_type=3), ""),
    "config-foreign-code": (config(model_type="mine", auto_map={"AutoModel": "code.Mine"}), "its own code must be run"),
    "config-width-odd": (config(hidden_size=13), ""),
    "config-width-a-word": (config(hidden_size="wide"), ""),
    "config-layers-more": (config(num_hidden_layers=9), "lacks"),
    "config-layers-fewer": (config(num_hidden_layers=0), "has left over"),
    "config-vocabulary-smaller": (config(vocab_size=3), ""),
    "config-vocabulary-larger": (config(vocab_size=99), ""),
    "config-unit-unknown": (config(unit="codon"), "codon"),
    "config-unit-without-tokenizer": (config(unit="kmer", unit_size=3), ""),
    "weights-empty-file": (weights(lambda content: b""), "cannot be read"),
    "weights-cut-in-header": (weights(lambda content: content[:100]), "cannot be read"),
    "weights-cut-in-numbers": (weights(lambda content: content[:-100]), "cannot be read"),
    "weights-header-too-long": (weights(lambda content: b"\xff" * 8 + content[8:]), "cannot be read"),
    "weights-header-no-json": (weights(lambda content: content[:8] + b"!" * 8 + content[16:]), "cannot be read"),
    "weights-a-web-page": (weights(lambda content: b"<html>404 not found</html>"), "cannot be read"),
    "weights-a-pointer": (weights(lambda content: b"version https://git-lfs.github.com/spec/v1\n"), "cannot be read"),
    "weights-a-pickle": (pickled, ""),
    "weights-nan": (first_to(float("nan")), "hold NaN or infinity"),
    "weights-infinity": (first_to(float("inf")), "hold NaN or infinity"),
    "weights-one-missing": (tensors(lambda held: held.pop(min(held))), "the checkpoint lacks 1 tensors"),
    "weights-one-left-over": (tensors(lambda held: held.update(more=torch.zeros(1))), "has left over 1 tensors"),
    "weights-one-renamed": (tensors(renamed), "the checkpoint lacks 1 tensors"),
    "weights-one-misshapen": (tensors(misshapen), ""),
    "weights-all-missing": (tensors(lambda held: [held.pop(key) for key in list(held)[1:]]), "the checkpoint lacks"),
}
NAMES: dict[str, tuple[dict[str, object], str]] = {
    "load-unknown": ({"name_or_path": "rnafn"}, "did you mean rnafm"),
    "load-empty": ({"name_or_path": ""}, "unknown model ''"),
    "load-parent": ({"name_or_path": "../x"}, "unknown model '../x'"),
    "load-hidden": ({"name_or_path": ".x/y"}, "unknown model '.x/y'"),
    "load-nul": ({"name_or_path": "a\0b"}, "unknown model"),
    "load-of-letters": ({"name_or_path": "a" * 4000}, "unknown model"),
    "load-dtype-unknown": ({"name_or_path": "mapconv-9k", "dtype": "float8"}, "unknown dtype 'float8'"),
    "load-device-unknown": ({"name_or_path": "mapconv-9k", "device": "tpu"}, "unknown device 'tpu'"),
    "load-suffix-unknown": ({"name_or_path": "mapconv-9k@trained"}, "model suffix '@trained' is not known"),
    "load-depth-of-a-single-sequence-model": ({"name_or_path": "mapconv-9k@depth1"}, "reads single sequences"),
    "load-prior-off-without-prior": ({"name_or_path": "mapconv-9k@prior-off"}, "no pairing prior to switch off"),
    "load-code-without-commit": ({"name_or_path": "mapconv-9k", "trust_remote_code": True}, "needs revision="),
    "load-code-with-a-branch": ({"name_or_path": "mapconv-9k", "trust_remote_code": True, "revision": "main"}, "needs revision="),
    "load-code-with-a-short-commit": ({"name_or_path": "mapconv-9k", "trust_remote_code": True, "revision": "0" * 39}, "needs revision="),
    "load-code-with-capitals": ({"name_or_path": "mapconv-9k", "trust_remote_code": True, "revision": "A" * 40}, "needs revision="),
}
TORCH_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "pt-object": (lambda path: torch.save({"a": torch.zeros(1), "planted": Planted()}, path), "holds an object of"),
    "pt-old-pickle": (lambda path: path.write_bytes(pickle.dumps({"planted": Planted()})), ""),
    "pt-empty": (lambda path: path.write_bytes(b""), ""),
    "pt-text": (lambda path: path.write_text("weights"), ""),
    "pt-cut": (lambda path: (torch.save({"a": torch.zeros(9)}, path), path.write_bytes(path.read_bytes()[:-40])), ""),
    "pt-a-list": (lambda path: torch.save([torch.zeros(1)], path), "holds a list, not tensors by name"),
    "pt-a-tensor": (lambda path: torch.save(torch.zeros(1), path), "holds a Tensor, not tensors by name"),
    "pt-a-number": (lambda path: torch.save(3, path), "holds a int, not tensors by name"),
}


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(embedded_folder("mapconv-9k"), tmp_path / "mine")
    return tmp_path / "mine"


def test_a_copied_checkpoint_loads(checkpoint: Path) -> None:
    assert models.load("mine").network.num_parameters() == 9480 or sys.exit("the copy is another model")


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_a_checkpoint_that_is_wrong_is_one_line(checkpoint: Path, kind: str) -> None:
    spoil, said = CHECKPOINTS[kind]
    spoil(checkpoint)
    with pytest.raises(StudyError) as caught:
        models.load("mine")
    assert_told(str(caught.value), said, "mine")
    assert not Path("unpickled").exists()


@pytest.mark.parametrize("kind", NAMES)
def test_a_model_that_is_asked_for_wrongly_is_one_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked, said = NAMES[kind]
    with pytest.raises(StudyError) as caught:
        models.load(**asked)
    assert_told(str(caught.value), said)


@pytest.mark.parametrize("kind", TORCH_FILES)
def test_a_file_of_torch_that_is_wrong_is_one_line(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write, said = TORCH_FILES[kind]
    write(tmp_path / "w.pt")
    with pytest.raises(StudyError) as caught:
        read_tensors([tmp_path / "w.pt"])
    assert_told(str(caught.value), said, "w.pt")
    assert not Path("unpickled").exists()


def test_at_least_two_hundred_kinds_of_bad_input_are_tested() -> None:
    from tests.trust import bad_files, bad_values

    tables = [value for module in (bad_files, bad_values) for name, value in vars(module).items() if name.isupper() and isinstance(value, dict)]
    left_out = (bad_files.FILES, bad_files.COUNTED, bad_values.DATA_CARD, bad_values.MODEL_CARD)
    own = (ARRAYS, MAPS, VECTORS, LABELS, NPZ, CHECKPOINTS, NAMES, TORCH_FILES)
    kinds = [kind for table in (*tables, *own) if not any(table is one for one in left_out) for kind in table]
    assert len(kinds) == len(set(kinds)) and len(kinds) >= 200

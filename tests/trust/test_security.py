"""What a stranger's file could do: nothing is unpickled, nothing is written outside its folder, no foreign code runs, no page tells of a user."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import tarfile
from pathlib import Path

import pytest

from rnastudy import models
from rnastudy.errors import StudyError
from rnastudy.models.loading import COMMIT
from rnastudy.paths import inside, shown, user_path, without_paths
from rnastudy.runs import start_run
from rnastudy.runs.stamp import read_json

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for folder in ("rnastudy", "tools", "benchmarks", "workflow") for path in (ROOT / folder).rglob("*.py"))
#: Modules that run what they read, and calls that do.
FORBIDDEN_MODULES = {"cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "yaml.unsafe_load",
    "yaml.full_load",
    "yaml.load_all",
    "pandas.read_pickle",
}


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(source: str) -> list[str]:
    """Say what in a source could run what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"line {node.lineno}: import {name.name}" for name in node.names if name.name in FORBIDDEN_MODULES | {"pickle"}]
        if isinstance(node, ast.ImportFrom) and (
            node.module in FORBIDDEN_MODULES or (node.module == "pickle" and [one.name for one in node.names] != ["UnpicklingError"])
        ):
            found.append(f"line {node.lineno}: from {node.module}")
        if isinstance(node, ast.Call):
            found += [f"line {node.lineno}: {fault}" for fault in call_faults(node)]
    return found


def call_faults(node: ast.Call) -> list[str]:
    name, given = dotted(node.func), {word.arg: word.value for word in node.keywords}
    last = name.rpartition(".")[2]
    said = {key: value.value for key, value in given.items() if isinstance(value, ast.Constant)}
    found = [name] if name in FORBIDDEN_CALLS else []
    if name == "torch.load" and said.get("weights_only") is not True:
        found.append("torch.load without weights_only=True")
    if (
        last == "from_pretrained"
        and "Model" in ast.unparse(node.func) + ast.unparse(node)
        and "auto_class" in ast.unparse(node.func)
        and said.get("weights_only") is not True
    ):
        found.append("from_pretrained without weights_only=True")
    if name in ("np.load", "numpy.load") and said.get("allow_pickle") is not False:
        found.append("np.load without allow_pickle=False")
    if "allow_pickle" in given and said.get("allow_pickle") is not False:
        found.append("allow_pickle")
    if name == "yaml.load":
        found.append("yaml.load")
    if said.get("shell") is True or ("shell" in given and "shell" not in said):
        found.append("shell=True")
    if said.get("trust_remote_code") is True:
        found.append("trust_remote_code=True")
    if last == "extractall" and "wheel" not in name and said.get("filter") != "data":
        found.append("extractall without filter='data'")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_source_runs_what_it_reads(path: Path) -> None:
    assert faults(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import load",
        "import joblib",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.load(path, allow_pickle=flag)",
        "yaml.load(text, yaml.Loader)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(words, shell=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "archive.extractall(folder)",
    ],
)
def test_the_scan_finds_each_of_them(source: str) -> None:
    assert faults(source)


def test_the_scan_lets_the_safe_ones_pass() -> None:
    assert (
        faults("from pickle import UnpicklingError\ntorch.load(a, weights_only=True)\nnp.load(a, allow_pickle=False)\nast.literal_eval(a)\nmodel.eval()") == []
    )


# Places --------------------------------------------------------------------------------------------------------------

OUTSIDE = ["../x", "..", "a/../../x", "/etc/x", "..\\x", "a\\..\\..\\x", "\\x", "", ".", "a/..", "a\0"]


@pytest.mark.parametrize("words", OUTSIDE)
def test_what_leads_out_of_a_folder_is_known_as_such(words: str) -> None:
    assert not inside(words)


@pytest.mark.parametrize("name", ["../x", "a/b", "/x", ".hidden", "..", ""])
def test_files_of_a_run_stay_in_its_folder(tmp_path: Path, name: str) -> None:
    import pandas as pd

    run = start_run("small", tmp_path / "run")
    with pytest.raises(StudyError, match="is no name for a file; leave out folders"):
        run.save_table(pd.DataFrame({"a": [1]}), name)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["run", "stamp.json"]


def test_cached_files_lie_in_the_cache_whatever_their_card_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rnastudy.datasets import fetching
    from rnastudy.datasets.cards import DataCard, DataFile

    monkeypatch.setenv("RNASTUDY_CACHE", str(tmp_path / "cache"))
    for name in ("../../x", "/etc/x", "a/../../../x"):
        file = DataFile(name, "0" * 64, 1, "https://example.org/x")
        card = DataCard("../set", "Set", ("corpus",), "either", "public", "natural", "fasta", (file,), "CC0", "here")
        assert fetching._cached(card, file).resolve().is_relative_to(tmp_path / "cache")


def test_every_card_keeps_its_files_in_their_folders() -> None:
    from rnastudy import datasets

    for card in datasets.cards().values():
        assert inside(card.name) and all(inside(place) for file in card.files for place in (file.path, file.local or "a"))
    for one in models.cards().values():
        assert inside(one.key) and all(inside(file.name) for file in one.files)


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x"])
def test_an_archive_unpacked_by_the_tools_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    """The tools unpack with the filter that the scan above asks for; here is what it does."""
    import io

    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo(name)
        member.size = 1
        archive.addfile(member, io.BytesIO(b"x"))
    (tmp_path / "into" / "deep").mkdir(parents=True)
    with tarfile.open(tmp_path / "a.tar") as archive, contextlib.suppress(tarfile.FilterError):
        archive.extractall(tmp_path / "into" / "deep", filter="data")
    outside = [path for path in tmp_path.rglob("x") if not path.is_relative_to(tmp_path / "into" / "deep")]
    assert outside == [] and not Path("/x").exists()


def test_an_unknown_user_and_a_name_that_is_too_long_are_no_paths() -> None:
    for words in ("~nobody-of-this-name", "a" * 300, "a\0b", ""):
        with pytest.raises(StudyError, match="path"):
            user_path(words)


# Foreign code --------------------------------------------------------------------------------------------------------


def foreign(folder: Path) -> Path:
    """A checkpoint that brings its own code, which leaves a file behind if it is run."""
    folder.mkdir()
    settings = {"model_type": "mine", "architectures": ["Mine"], "auto_map": {"AutoConfig": "code.MineConfig", "AutoModel": "code.Mine"}}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "code.py").write_text(f"from pathlib import Path\nPath({str(folder / 'ran')!r}).touch()\n")
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "its own code must be run: trust_remote_code=True and revision="),
        ({"trust_remote_code": True}, "needs revision=; give the full 40-digit commit"),
        ({"trust_remote_code": True, "revision": "main"}, "needs revision="),
        ({"trust_remote_code": True, "revision": "v1.0"}, "needs revision="),
        ({"trust_remote_code": True, "revision": "0123456"}, "needs revision="),
        ({"revision": "0" * 40}, "its own code must be run"),
    ],
)
def test_foreign_code_needs_the_flag_and_a_commit(tmp_path: Path, options: dict, said: str) -> None:
    folder = foreign(tmp_path / "mine")
    with pytest.raises(StudyError, match=re.escape(said)):
        models.load(str(folder), **options)
    assert not (folder / "ran").exists()


def test_only_a_whole_commit_pins() -> None:
    assert COMMIT.fullmatch("0123456789abcdef" * 2 + "01234567")
    assert not any(COMMIT.fullmatch(word) for word in ("main", "0" * 39, "0" * 41, "A" * 40, "0" * 40 + "\n"))


# Pages ---------------------------------------------------------------------------------------------------------------

#: Homes, temporary folders and drives; names of people's own folders do not begin a word in prose.
ABSOLUTE = re.compile(r"(?<![\w./~:-])(/(home|Users|root|tmp|var|private|mnt|work|workspace|scratch|opt|content)/[\w.-]|[A-Z]:\\\\+Users)")
SHOWN = [
    path for pattern in ("book/study/**/*", "book/*.md", "notebooks/*", "studies/*", "rnastudy/data/**/*.json", "*.md") for path in sorted(ROOT.glob(pattern))
]


@pytest.mark.parametrize(
    "path",
    [path for path in SHOWN if path.suffix in (".ipynb", ".json", ".csv", ".md", ".yml", ".svg", ".html")],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_page_tells_of_the_machine_it_was_made_on(path: Path) -> None:
    found = ABSOLUTE.search(path.read_text(encoding="utf-8"))
    assert not found, f"{path.relative_to(ROOT)} holds {found[0] if found else ''}"


@pytest.mark.parametrize("text", ["/home/ann/x", '"/root/x', "(/tmp/abc)", "file /Users/bob/x", "in /work/x"])
def test_the_scan_of_pages_finds_paths(text: str) -> None:
    assert ABSOLUTE.search(text) and not ABSOLUTE.search("~/x, and/or, https://example.org/home/x, ./tmp/x")


def test_a_run_in_a_folder_of_an_odd_name_leaves_no_path(forks, tmp_path: Path, small_notebook: Path) -> None:
    odd = tmp_path / "it's \"Ann's\" caf\u00e9 100% $HOME & co"
    odd.mkdir()
    told = small_notebook.read_text().replace("time.sleep(0.2)", "import os; print(os.getcwd(), os.path.abspath(out)); time.sleep(0.01)")
    (odd / "own notebook.ipynb").write_text(told)
    for place in ("out", str(odd / "absolute"), str(tmp_path / "else where")):
        code, _ = forks.do(odd, "run", str(odd / "own notebook.ipynb"), place)
        assert (code, forks.error()) == (0, "")
    for folder in (odd / "out", odd / "absolute", tmp_path / "else where"):
        assert read_json(folder / "stamp.json")["finished"]
        for path in (path for path in folder.rglob("*") if path.is_file()):
            assert str(tmp_path).encode() not in path.read_bytes(), f"{path.name} holds {tmp_path}"


def test_paths_are_shown_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (shown(Path("a/b")), shown(tmp_path / "a"), shown(Path("/else/where"))) == ("a/b", "a", "where")
    assert without_paths(f"{tmp_path}/a and {Path.home()}/b") == "a and ~/b"

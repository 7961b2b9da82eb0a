"""The steps that make ``rnastudy/data``, in order, and the counts they leave behind."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import draws, families, heldout, rfam, seeds, structures
from .identity import SHORT, near_duplicates
from .output import csv_text, write
from .sources import Sources
from .stockholm import Alignment, blocks, render

__all__ = ["FILES", "Build"]

ROWS_DRAWN, ROWS_ALIGNED = 60, 48
SEED_SEQUENCES, SEED_ALIGNMENTS = 101, 202
#: Sequences kept a family: of held-out ones, of training ones, of long training ones.
HELD, TRAINED, TRAINED_LONG = 10, 50, 20
#: Drawn beyond those, to make up for near-duplicates of test RNAs.
SPARE = 5
LONG = 200
#: What the build makes, besides ``counts.json``.
FILES = (
    "drawn_alignments_heldout.sto.gz",
    "drawn_alignments_train.sto.gz",
    "heldout.csv",
    "near_duplicates.csv",
    "rfam_drawn.csv.gz",
    "seeds_heldout.sto.gz",
    "seeds_train.sto.gz",
    "srtest150.csv.gz",
    "srtrain150.csv.gz",
)
MODELS = ("Bacteria", "Viruses", "Archaea")
MORE_MODELS = ("testsuite/5.c.cm", "tutorial/5S_rRNA.c.cm", "tutorial/Cobalamin.c.cm")
CLANS = ("testsuite/Rfam.14.1.clanin", "tutorial/Rfam.14.3.clanin")


@dataclass(slots=True)
class Build:
    """One build: what it reads, where it writes, what it has found so far.

    Parameters
    ----------
    sources : Sources
        What to read.
    work : Path
        Folder for intermediate files; what a step finds there from an earlier build is written anew.
    out : Path
        Folder of the finished files.
    """

    sources: Sources
    work: Path
    out: Path
    models: list[rfam.Model] = field(default_factory=list)
    types: dict[str, tuple[str, str]] = field(default_factory=dict)
    clan_of: dict[str, str] = field(default_factory=dict)
    tests: dict[str, dict[str, str]] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    counts: dict[str, object] = field(default_factory=dict)

    def run(self) -> dict[str, object]:
        """Make every file; return the counts, which are written to ``counts.json`` too."""
        self.work.mkdir(parents=True, exist_ok=True)
        self._rfam()
        selection, test = self._structures()
        hits = self._hits()
        self._hold_out(hits)
        self._families(selection, test, hits)
        self._seeds()
        self._draw_sequences()
        self._draw_alignments()
        self._finish()
        return self.counts

    def _rfam(self) -> None:
        files = [self.sources.prokka / name for name in MODELS] + [self.sources.infernal / name for name in MORE_MODELS]
        self.models = rfam.gather(files, self.work / "rfam.cm")
        older = sorted((self.sources.prokka / "__build").glob("Rfam_*_14.1.txt"))
        self.types = rfam.types(self.sources.public / "rfam-families/family.txt", older)
        clans = rfam.clans([self.sources.infernal / name for name in CLANS])
        named = [(family, name) for family, (name, _) in self.types.items()] + [(m.family, m.name) for m in self.models]
        self.clan_of = {family: clans[name] for family, name in named if name in clans}
        rfam.subset(self.work / "rfam.cm", [m.name for m in self.models if m.drawable], self.work / "drawable.cm")
        self.counts["models"] = {"all": len(self.models), "drawable": sum(m.drawable for m in self.models)}

    def _structures(self) -> tuple[list[structures.Structure], list[structures.Structure]]:
        whole = structures.read_squarna(self.sources.squarna / "SRtrain150.fas")
        test = structures.read_squarna(self.sources.squarna / "SRtest150.fas")
        kept, removed = structures.disjoint(whole, test)
        self.tests = {"srtrain150": {one.name: one.sequence for one in whole}, "srtest150": {one.name: one.sequence for one in test}}
        self.tests |= structures.read_spotrna(self.sources.public / "spot-rna/PDB_dataset.zip")
        self._duplicates(removed)
        gone = len(whole) - len(kept)
        self.counts["srtrain150"] = {"rnas": len(kept), "published": len(whole), "removed_near_test": gone, **_long(kept)}
        self.counts["srtest150"] = {"rnas": len(test), **_long(test)}
        return kept, test

    def _duplicates(self, removed: list[tuple[str, str, float]]) -> None:
        rows = [("srtrain150", one, "srtest150", other, same) for one, other, same in removed]
        for ours in ("srtrain150", "srtest150"):
            for theirs in ("VL1", "TS1", "TS2"):
                names, others = list(self.tests[ours]), list(self.tests[theirs])
                found = near_duplicates(list(self.tests[ours].values()), list(self.tests[theirs].values()))
                rows += [(ours, names[q], theirs, others[t], same) for q, t, same in found]
        header = ("set", "name", "other_set", "other_name", "identity")
        write(self.out / "near_duplicates.csv", csv_text(header, sorted(rows)))
        self.counts["near_duplicates"] = dict(sorted(Counter(f"{row[0]} in {row[2]}" for row in {r[:3] for r in rows}).items()))

    def _all_tests(self) -> dict[str, str]:
        return {f"{which}/{name}": sequence for which, rnas in self.tests.items() for name, sequence in rnas.items()}

    def _hits(self) -> list[families.Hit]:
        subprocess.run(["cmpress", "-F", str(self.work / "rfam.cm")], check=True, stdout=subprocess.DEVNULL)
        return families.scan(self.work / "rfam.cm", self._all_tests(), self.work)

    def _hold_out(self, hits: list[families.Hit]) -> None:
        by: dict[str, set[str]] = defaultdict(set)
        for hit in hits:
            by[hit.family].add(hit.rna.split("/")[0])
        touched = {family: f"hit: {'+'.join(sorted(sets))}" for family, sets in by.items()}
        touched |= {family: "family of ArchiveII" for family in heldout.ARCHIVE if family not in touched}
        everything = {*self.types, *(m.family for m in self.models)}
        first = {one.family for one in heldout.hold_out(everything, self.clan_of, touched) if one.reason != "random quarter"}
        touched |= families.like_seeds(self._all_tests(), self._real_rows(), first)
        held = heldout.hold_out(everything, self.clan_of, touched)
        self.held = {one.family for one in held}
        write(self.out / "heldout.csv", csv_text(("family", "clan", "reason"), [(h.family, h.clan, h.reason) for h in held]))
        reasons = Counter(h.reason.split(":")[0].split(" RF")[0] for h in held)
        self.counts["heldout"] = {"families": len(held), **dict(sorted(reasons.items()))}

    def _real_rows(self) -> Iterator[tuple[str, list[str]]]:
        """Yield families and their real sequences: infernal's, those with 3D structures, and Rfam 5.0's."""
        for seed in seeds.SEEDS:
            yield seed.family, [seeds.bases(row) for row in seeds.read(self.sources.infernal, seed).rows.values()]
        for path in self.sources.seeds_3d:
            yield path.stem, [seeds.bases(row) for block in _blocks(path) for row in block.rows.values()]
        for block in _blocks(self.sources.public / "rfam-seed/Rfam.seed"):
            yield block.features["AC"], [seeds.bases(row) for row in block.rows.values()]

    def _families(self, selection: list[structures.Structure], test: list[structures.Structure], hits: list[families.Hit]) -> None:
        rnas = {f"srtrain150/{one.name}": one.sequence for one in selection} | {f"srtest150/{one.name}": one.sequence for one in test}
        known = {name: (family, "cmscan") for name, family in families.best(hits).items() if name in rnas}
        real: dict[str, list[str]] = defaultdict(list)
        for family, sequences in self._real_rows():
            real[family] += sequences
        rest = {name: sequence for name, sequence in rnas.items() if name not in known}
        known |= {name: (family, "seed") for name, family in families.by_seed(rest, real).items()}
        clustered = families.clusters(rnas, {name: family for name, (family, _) in known.items()})
        known |= {name: (family, "cluster") for name, family in clustered.items()}
        full = {name.split("/")[1]: (family, self.clan_of.get(family, ""), source) for name, (family, source) in known.items()}
        for name, rows in (("srtrain150", selection), ("srtest150", test)):
            write(self.out / f"{name}.csv.gz", structures.table(rows, full))
            its = [full[one.name] for one in rows]
            sources = Counter(source for _, _, source in its)
            self.counts[name] |= {"families": len({f for f, _, _ in its}), **dict(sorted(sources.items()))}  # type: ignore[operator]
        shared = {full[one.name][0] for one in selection} & {full[one.name][0] for one in test}
        self.counts["families_in_both"] = len(shared)

    def _near_tests(self, rows: list[str]) -> set[int]:
        """Return which rows are near-duplicates of a test RNA."""
        return {q for q, _, _ in near_duplicates(rows, sorted(set(self._all_tests().values())))}

    def _seeds(self) -> None:
        texts: dict[str, list[str]] = {"train": [], "heldout": []}
        gone: Counter[str] = Counter(repeated=0, strange=0, near_test=0)
        rows = 0
        for seed in (seed for seed in seeds.SEEDS if seed.shipped):
            block, repeated, strange = seeds.clean(seeds.read(self.sources.infernal, seed), seed, self.clan_of.get(seed.family, ""))
            gone.update(repeated=repeated, strange=strange)
            split = "heldout" if seed.family in self.held else "train"
            if split == "train":
                block, near = self._without_near(block)
                gone.update(near_test=near)
            texts[split].append(render(block))
            rows += len(block.rows)
        for split, its in texts.items():
            write(self.out / f"seeds_{split}.sto.gz", "".join(sorted(its, key=_accession)))
        self.counts["rfam_seeds"] = {"families": sum(map(len, texts.values())), "rows": rows, "train_families": len(texts["train"]), **gone}

    def _without_near(self, block: Alignment) -> tuple[Alignment, int]:
        names = list(block.rows)
        near = self._near_tests([seeds.bases(block.rows[name]) for name in names])
        return replace(block, rows={name: block.rows[name] for k, name in enumerate(names) if k not in near}), len(near)

    def _kind(self, model: rfam.Model) -> tuple[str, str, str]:
        split = "heldout" if model.family in self.held else "train"
        return self.clan_of.get(model.family, ""), self.types.get(model.family, ("", ""))[1], split

    def _draw_sequences(self) -> None:
        by_name = {model.name: model for model in self.models}
        rows: list[tuple[str, ...]] = []
        seen: set[str] = set()
        near = 0
        for block in draws.draw(self.work / "drawable.cm", ROWS_DRAWN, SEED_SEQUENCES):
            model = by_name[block.features["ID"]]
            clan, kind, split = self._kind(model)
            wanted = HELD if split == "heldout" else TRAINED if model.columns <= LONG else TRAINED_LONG
            found = [one for one in draws.sequences(block) if one.sequence not in seen][: wanted + SPARE]
            gone = self._near_tests([one.sequence for one in found]) if split == "train" else set()
            near += len(gone)
            kept = [one for k, one in enumerate(found) if k not in gone][:wanted]
            seen |= {one.sequence for one in kept}
            rows += [(f"{model.family}-d{k + 1:02d}", one.sequence, one.structure, model.family, clan, kind, split) for k, one in enumerate(kept)]
        header = ("name", "sequence", "structure", "family", "clan", "type", "split")
        write(self.out / "rfam_drawn.csv.gz", csv_text(header, sorted(rows)))
        for which in ("train", "heldout"):
            its = [row for row in rows if row[-1] == which]
            self.counts[f"rfam_drawn_{which}"] = {"rnas": len(its), "families": len({row[3] for row in its}), "clans": len({row[4] for row in its} - {""})}
        self.counts["rfam_drawn_near_test"] = near

    def _draw_alignments(self) -> None:
        by_name = {model.name: model for model in self.models}
        texts: dict[str, list[str]] = {"train": [], "heldout": []}
        near = 0
        for block in draws.draw(self.work / "drawable.cm", ROWS_ALIGNED, SEED_ALIGNMENTS):
            model = by_name[block.features["ID"]]
            clan, kind, split = self._kind(model)
            small = draws.condense(block)
            if split == "train" and small is not None:
                block, gone = self._without_near(block)
                near += gone
                small = draws.condense(block)
            if small is None:
                continue
            features = {"ID": model.name, "AC": model.family, "TP": kind, "CL": clan}
            small.features = {tag: value for tag, value in features.items() if value}
            small.rows = {f"a{k + 1:02d}": row for k, row in enumerate(small.rows.values())}
            texts[split].append(render(small))
        for split, its in texts.items():
            write(self.out / f"drawn_alignments_{split}.sto.gz", "".join(sorted(its, key=_accession)))
            self.counts[f"drawn_alignments_{split}"] = {"families": len(its)}
        self.counts["drawn_alignments_near_test"] = near

    def _finish(self) -> None:
        data = {name: (self.out / name).read_bytes() for name in FILES}
        self.counts["files"] = {name: {"size": len(found), "sha256": hashlib.sha256(found).hexdigest()} for name, found in data.items()}
        write(self.out / "counts.json", json.dumps(self.counts, indent=1) + "\n")


def _blocks(path: Path) -> Iterable[Alignment]:
    return blocks(path.read_text(encoding="latin-1"))


def _accession(text: str) -> str:
    return text.split("#=GF AC ", 1)[1].split("\n", 1)[0]


def _long(rnas: list[structures.Structure]) -> Mapping[str, int]:
    return {"at_least_30_bases": sum(len(one.sequence) >= SHORT for one in rnas)}

"""The same seed, device and dtype give the same tables, byte for byte, in a process of its own; other numbers of threads stay within the noise floor."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from rnastudy import datasets

#: Most by which a table's numbers may differ where sums are taken in another order, as other numbers of threads do.
NOISE_FLOOR = 1e-5
PROGRAM = """\
import sys
from rnastudy import analyses, datasets
entrants = analyses.contenders(["mapconv-9k"], ["random"], untrained=True, seed=3)
select, test = (datasets.load(name, limit=4, max_bases=60, seed=3) for name in ("srtrain150", "srtest150"))
structure = analyses.structure(entrants, select, test, n_draws=20, seed=3, progress=False)
families = datasets.load(sys.argv[1])
classification = analyses.classification(analyses.contenders(["mapconv-9k"], untrained=False, seed=3), families, seed=3, n_draws=20, progress=False)
for table in (structure.results, structure.per_rna, classification.results):
    sys.stdout.write(table.to_csv(index=False, lineterminator="\\n") + "\\f")
"""


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve families of six drawn RNAs."""
    chosen = [rna for rnas in list(datasets.load("rfam_drawn").families.items())[:12] for rna in rnas[1][:6]]
    rnas = datasets.load("rfam_drawn").rnas
    path = tmp_path_factory.mktemp("families") / "families.csv"
    path.write_text("name,sequence,family\n" + "".join(f"{rnas[place].name},{rnas[place].sequence},{rnas[place].family}\n" for place in chosen))
    return path


def tables(families: Path, threads: int, hash_seed: int) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "PYTHONHASHSEED": str(hash_seed)}
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(families)], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_same_seed_gives_the_same_bytes_and_threads_stay_within_the_noise_floor(families: Path) -> None:
    first, again, two = tables(families, 1, 1), tables(families, 1, 2), tables(families, 2, 1)
    assert first == again and first.count("\f") == 3
    for one, other in zip(first.split("\f")[:3], two.split("\f")[:3], strict=True):
        pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(one)), pd.read_csv(io.StringIO(other)), check_exact=False, rtol=0, atol=NOISE_FLOOR)

"""Measure every model of the zoo that is there, and write the tables that ship beside the models.

``python -m tools.score_zoo`` reads what was measured before from its cache. Whether a test RNA's family is in a corpus of
real sequences is known only where that corpus is: in the folder named by RNASTUDY_DATA, or in the cache of data sets.
"""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

__all__ = ["main"]

OUT = Path(__file__).parents[1] / "rnastudy" / "data" / "models" / "zoo"


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws")
    parser.add_argument("--cache", default="/tmp/zoo-scores", help="folder of measurements")
    options = parser.parse_args()
    import torch

    from rnastudy.analyses.cause_tables import in_and_out
    from rnastudy.analyses.causes import causes, stored

    torch.set_num_threads(1)
    models = stored()
    study = causes(models, n_draws=options.draws, cache=options.cache)
    for name, table in (("values", study.values), ("contrasts", study.contrasts), ("in_and_out", in_and_out(study.per_rna))):
        table.to_csv(OUT / f"{name}.csv", index=False, float_format="%.5f", lineterminator="\n")
    trained = sorted({f"{level.name}/{seed}" for level, seed in models if not level.condition})
    made = {"command": "python -m tools.score_zoo", "draws": options.draws, "seed": 0, "device": "cpu", "torch": torch.__version__}
    (OUT / "scored.json").write_text(json.dumps({**made, "python": platform.python_version(), "models": trained}, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Train every model of the zoo that is not there yet: all levels with the first seed, then with the next.

``python -m tools.train_zoo`` goes on where it was stopped; a model that is there is left alone. Levels that need public
data (the real sequences) look for them in the folder named by RNASTUDY_DATA, or fetch them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from rnastudy.training.zoo import LEVELS, PREFIX, SEEDS

__all__ = ["jobs", "main", "train_one"]

HOME = Path(__file__).parents[1] / "rnastudy" / "data" / "models"
FILES = ("config.json", "model.safetensors", "training.json", "curve.csv", "tokenizer.json")


def jobs(home: Path, levels: tuple[str, ...] = (), seeds: tuple[int, ...] = SEEDS) -> Iterator[tuple[str, int]]:
    """Yield recipe and seed of every model whose folder is not there, seed by seed.

    Parameters
    ----------
    home : Path
        Folder of models; they lie in ``zoo/LEVEL/SEED``.
    levels : tuple of str
        Only these; all that are trained where empty.
    seeds : tuple of int
        Only these.
    """
    for seed in seeds:
        for name, level in LEVELS.items():
            if not level.condition and (not levels or name in levels) and not (home / PREFIX / name / str(seed) / FILES[0]).is_file():
                yield PREFIX + name, seed


def train_one(recipe: str, seed: int, home: Path, work: Path, device: str) -> str:
    """Train one model in the work folder, and move what is to be kept to its place; return a line for the log."""
    import torch

    from rnastudy.training import train

    torch.set_num_threads(1)
    began, folder = time.process_time(), home / recipe / str(seed)
    out = train(recipe, work / recipe / str(seed), seed=seed, device=device, progress=False)
    part = folder.with_name(f"{seed}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for name in FILES:
        if (out / name).is_file():
            shutil.copyfile(out / name, part / name)
    part.replace(folder)
    shutil.rmtree(out)
    last = (folder / "curve.csv").read_text().splitlines()[-1]
    return f"{recipe} seed {seed}: {time.process_time() - began:.0f} CPU seconds; {last}"


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="models at a time, one thread each")
    parser.add_argument("--levels", default="", help="only these, with commas between")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="only these, with commas between")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--work", type=Path, default=Path("/tmp/zoo"), help="folder for checkpoints")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    levels = tuple(name for name in options.levels.split(",") if name)
    todo = list(jobs(HOME, levels, tuple(int(seed) for seed in options.seeds.split(","))))
    print(f"{len(todo)} models to train", flush=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        started = [pool.submit(train_one, recipe, seed, HOME, options.work, options.device) for recipe, seed in todo]
        for one in started:
            print(one.result(), flush=True)


if __name__ == "__main__":
    main()

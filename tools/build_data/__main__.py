"""Build ``rnastudy/data``: run from the root of the repository."""

from __future__ import annotations

import argparse
from pathlib import Path

from .build import Build
from .sources import Sources, fetch, public


def main() -> None:
    """Read the command line, gather the sources, build, print the counts."""
    parser = argparse.ArgumentParser(prog="python -m tools.build_data", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("_build/data"), help="folder for sources and intermediate files")
    parser.add_argument("--infernal", type=Path, help="unpacked source of infernal 1.1.4, if at hand")
    parser.add_argument("--prokka", type=Path, help="prokka's db/cm folder, if at hand")
    parser.add_argument("--squarna", type=Path, help="squarna's data set folder, if at hand")
    parser.add_argument("--public", type=Path, help="folder of the public files that are read and not shipped, if at hand")
    parser.add_argument("--out", type=Path, default=Path("rnastudy/data"), help="where the finished files go")
    given = parser.parse_args()
    packages = (given.infernal, given.prokka, given.squarna)
    fetched = None if all(packages) else fetch(given.work)
    paths = {name: getattr(given, name) or getattr(fetched, name) for name in ("infernal", "prokka", "squarna")}
    sources = Sources(**paths, public=public(given.public or given.work / "public"))
    for name, count in Build(sources, given.work, given.out).run().items():
        if name != "files":
            print(f"{name}: {count}")


if __name__ == "__main__":
    main()

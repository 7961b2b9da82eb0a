"""What the embedded data are made of, where it comes from, and fetching it into a work folder."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PUBLIC", "Sources", "fetch", "public"]

RAW = "https://raw.githubusercontent.com"
SQUARNA = "squarna==3.2.2"
INFERNAL = "infernal=1.1.4-1"
PROKKA = "prokka=1.14.6+dfsg-4"
#: Read to decide what is held out and how families are called; no byte of them is shipped. Path, address, sha256.
PUBLIC = {
    "spot-rna/PDB_dataset.zip": (
        f"{RAW}/PSI-Lab/alice-sandbox/3849ccd4db11a2f2328a9fc77d20bf87a1e262d9/rna_ss/data_processing/pdb_250/raw_data/PDB_dataset.zip",
        "3d17e013dabd9c3859325c040ebdbcc7009c0f0d83e2ee796dbf1cb3726cf1d4",
    ),
    "rfam-families/family.txt": (
        f"{RAW}/RNAcentral/R2DT/3b44747ec48e6bf0edb2ba31bce4e1cb209b2f3a/data/rfam/family.txt",
        "e773ccc4d7175fea74447eb015cafd4f0dec77cef331ced78dad4841aa41d258",
    ),
    "rfam-seed/Rfam.seed": (
        f"{RAW}/emattei/BEAR_MBR/a7d69fea57f8cb4e94b6969f1f268a786bc37c6f/Rfam.seed",
        "9f1ac114414a4ba68dca474d8e00567e61038f3faa24ab796e3eaa62813a1d7a",
    ),
}
SEEDS_3D = "https://codeload.github.com/Rfam/rfam-3d-seed-alignments/tar.gz/a22cc827b5b99a3e97935384cc0812b73bc49668"
SEEDS_3D_SHA256 = "e78fa0b11a545204f51dcf7e4bb45ae90e78dea694e191ebba3ff290e50545bf"


@dataclass(frozen=True, slots=True)
class Sources:
    """Folders the build reads.

    Parameters
    ----------
    infernal : Path
        Unpacked source of infernal 1.1.4.
    prokka : Path
        Folder of covariance models of prokka 1.14.6, ``db/cm``.
    squarna : Path
        Folder of data sets of squarna 3.2.2.
    public : Path
        Folder laid out like `PUBLIC`, with Rfam's 3D seeds in ``rfam-3d-seed``.
    """

    infernal: Path
    prokka: Path
    squarna: Path
    public: Path

    @property
    def seeds_3d(self) -> list[Path]:
        """Rfam's seed alignments with 3D structures, sorted."""
        return sorted((self.public / "rfam-3d-seed").glob("*.sto"))


def _sha256(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _run(*command: str, cwd: Path) -> None:
    subprocess.run(command, check=True, cwd=cwd, stdout=subprocess.DEVNULL)


def fetch(work: Path) -> Sources:
    """Bring the three packages into a work folder with their ordinary tools; what is there stays.

    Parameters
    ----------
    work : Path
        Needs about 400 MB. Needs apt with ``deb-src`` lines, dpkg and pip.

    Returns
    -------
    Sources
        With `public` at ``work/public``.
    """
    work.mkdir(parents=True, exist_ok=True)
    found = Sources(work / "infernal-1.1.4", work / "prokka/usr/share/prokka/db/cm", work / "squarna/SQUARNA/datasets", work / "public")
    if not found.infernal.exists():
        _run("apt-get", "source", "--download-only", INFERNAL, cwd=work)
        with tarfile.open(next(work.glob("infernal_*.orig.tar.gz"))) as archive:
            archive.extractall(work, filter="data")
    if not found.prokka.exists():
        _run("apt-get", "download", PROKKA, cwd=work)
        _run("dpkg-deb", "-x", next(work.glob("prokka_*.deb")).name, "prokka", cwd=work)
    if not found.squarna.exists():
        _run(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--dest", ".", SQUARNA, cwd=work)
        with zipfile.ZipFile(next(work.glob("squarna-*.whl"))) as wheel:
            wheel.extractall(work / "squarna")
    return found


def public(folder: Path) -> Path:
    """Bring the public files into a folder, and check those that are there.

    Parameters
    ----------
    folder : Path
        Where they are or shall be.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    ValueError
        If a file is not the one expected.
    """
    for name, (address, sha256) in PUBLIC.items():
        path = folder / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _download(address, path)
        if _sha256(path) != sha256:
            raise ValueError(f"{path}: sha256 is not {sha256}; delete it to fetch it again")
    seeds = folder / "rfam-3d-seed"
    if not seeds.exists():
        _unpack_seeds(folder)
    if _sha256(*sorted(seeds.glob("*.sto"))) != SEEDS_3D_SHA256:
        raise ValueError(f"{seeds}: files are not those of {SEEDS_3D}; delete the folder to fetch them again")
    return folder


def _download(address: str, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    with urllib.request.urlopen(address) as response, part.open("wb") as stream:
        shutil.copyfileobj(response, stream)
    part.replace(path)


def _unpack_seeds(folder: Path) -> None:
    _download(SEEDS_3D, folder / "rfam-3d-seed.tar.gz")
    into = folder / "rfam-3d-seed"
    into.mkdir()
    with tarfile.open(folder / "rfam-3d-seed.tar.gz") as archive:
        for member in archive.getmembers():
            if member.name.endswith(".sto") and "/data/output/" in member.name:
                (into / Path(member.name).name).write_bytes(archive.extractfile(member).read())  # type: ignore[union-attr]

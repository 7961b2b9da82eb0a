"""Data sets: cards, fetching with checksum and cache, readers, one normalisation; files in, `Rna` records out.

Examples
--------
>>> from rnastudy import datasets
>>> "archiveii" in datasets.cards()
True
"""

from rnastudy.datasets.cards import DataCard, DataFile, card, cards
from rnastudy.datasets.dataset import Dataset
from rnastudy.datasets.fetching import cache_folder, data_folder, missing_files
from rnastudy.datasets.loading import fetch, load, maps, table
from rnastudy.datasets.normalise import NormalisationReport, normalise
from rnastudy.datasets.proteins import ProteinSet, proteins

__all__ = [
    "DataCard",
    "DataFile",
    "Dataset",
    "NormalisationReport",
    "ProteinSet",
    "cache_folder",
    "card",
    "cards",
    "data_folder",
    "fetch",
    "load",
    "maps",
    "missing_files",
    "normalise",
    "proteins",
    "table",
]

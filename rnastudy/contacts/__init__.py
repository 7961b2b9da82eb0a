"""Attention maps in, structure scores out: every head and every threshold in one streamed pass.

`scan_many` counts, `select` chooses on one set, `score` scores on another; the last two never see each other's data.

Examples
--------
>>> from rnastudy.contacts import Setting
>>> Setting("careful").min_separation, Setting("review").min_separation
(4, 1)
"""

from rnastudy.contacts.arrays import score_maps
from rnastudy.contacts.bootstrap import Draws, bootstrap_reselect, family_weights, paired_difference
from rnastudy.contacts.counts import Counts
from rnastudy.contacts.curves import best_per_head, curve
from rnastudy.contacts.lattice import Lattice, careful_lattice, review_lattice
from rnastudy.contacts.scan import LayerMaps, scan_many, scan_stream
from rnastudy.contacts.scores import apc, contact_scores, symmetrise
from rnastudy.contacts.selection import Choice, Scores, score, score_stream, select
from rnastudy.contacts.settings import PROTOCOLS, Setting

__all__ = [
    "PROTOCOLS",
    "Choice",
    "Counts",
    "Draws",
    "Lattice",
    "LayerMaps",
    "Scores",
    "Setting",
    "apc",
    "best_per_head",
    "bootstrap_reselect",
    "careful_lattice",
    "contact_scores",
    "curve",
    "family_weights",
    "paired_difference",
    "review_lattice",
    "scan_many",
    "scan_stream",
    "score",
    "score_maps",
    "score_stream",
    "select",
    "symmetrise",
]

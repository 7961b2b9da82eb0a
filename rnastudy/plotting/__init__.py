"""Figures in the house style: tidy tables in, ``(figure, alternative text)`` out; nothing is computed here.

Every drawing function returns a :class:`matplotlib.figure.Figure` that belongs to no global state and a sentence that says
what is drawn and what it shows. :func:`show` puts both on a page and saves the files.
"""

from rnastudy.plotting.causes import cause_plane, differences
from rnastudy.plotting.families import family_views, fft_trap, similarities
from rnastudy.plotting.heads import head_map, layer_curve, threshold_curve, training_curves
from rnastudy.plotting.lessons import base_table, conservation, contrast_curve, maps_beside, motifs, optimism, step_map
from rnastudy.plotting.output import Shown, save, show
from rnastudy.plotting.ranking import auroc_dots, decoders, forest, paired, slopes
from rnastudy.plotting.rnas import arcs, contact_map
from rnastudy.plotting.scales import cka_map, cost, scaling_line, tradeoff
from rnastudy.plotting.tables import Table, table

__all__ = [
    "Shown",
    "Table",
    "arcs",
    "auroc_dots",
    "base_table",
    "cause_plane",
    "cka_map",
    "conservation",
    "contact_map",
    "contrast_curve",
    "cost",
    "decoders",
    "differences",
    "family_views",
    "fft_trap",
    "forest",
    "head_map",
    "layer_curve",
    "maps_beside",
    "motifs",
    "optimism",
    "paired",
    "save",
    "scaling_line",
    "show",
    "similarities",
    "slopes",
    "step_map",
    "table",
    "threshold_curve",
    "tradeoff",
    "training_curves",
]

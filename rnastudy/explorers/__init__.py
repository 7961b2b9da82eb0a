"""Explorers: controls to look closer that work in a page without a kernel, from a file and by keyboard.

Each function returns one self-contained element of HTML: its first state as SVG, its data, a few hundred lines of script and
style of this project, nothing loaded from elsewhere. :mod:`rnastudy.explorers.live` has the same with a kernel.
"""

from rnastudy.explorers import live
from rnastudy.explorers.head_explorer import heads
from rnastudy.explorers.similarity_explorer import similarities

__all__ = ["heads", "live", "similarities"]

"""The review's claims, each with the test that decides it and the verdict of the runs at hand.

>>> from rnastudy import claims
>>> claims.read().id[0]
'C01'
"""

from __future__ import annotations

from rnastudy.claims.deciding import Verdict, decide, read
from rnastudy.claims.evidence import Evidence, gather

__all__ = ["Evidence", "Verdict", "decide", "gather", "read"]

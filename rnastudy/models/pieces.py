"""Reads RNAs for models of this package whose tokens are longer than a base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rnastudy.errors import StudyError
from rnastudy.models.readers import LetterReader
from rnastudy.tokens import Tokens

if TYPE_CHECKING:
    from rnastudy.modeling.pieces import Pieces

__all__ = ["PieceReader"]


class PieceReader(LetterReader):
    """Reads overlapping k-mers or byte-pair pieces, with a SINK at both ends.

    Parameters
    ----------
    vocabulary : Pieces
        The model's own, see `rnastudy.modeling.pieces`.

    Examples
    --------
    >>> from rnastudy.modeling.pieces import Pieces
    >>> PieceReader(Pieces.kmers(3)).read("ACGU").spans
    (None, (0, 3), (1, 4), None)
    """

    single_base = False

    def __init__(self, vocabulary: Pieces) -> None:
        from rnastudy.modeling import TOKENS

        super().__init__(TOKENS, pad=TOKENS["PAD"], start=TOKENS["SINK"], end=TOKENS["SINK"], mask=TOKENS["MASK"])
        self.vocabulary = vocabulary

    def read(self, *rows: str) -> Tokens:
        """Read one sequence."""
        ids, spans = self.vocabulary.cut(rows[0])
        return Tokens(((*self.before, *ids, *self.after),), (None, *spans, None), len(rows[0]))

    def base_ids(self) -> list[int]:
        """Refuse: a token says several bases at once."""
        raise StudyError(f"tokens of this model are {self.vocabulary.unit} pieces, not single bases; ask for masked_logits")

    def pieces(self) -> dict[int, str]:
        """Bases that each token stands for; tokens without any are left out."""
        return dict(self.vocabulary.texts)

"""What each protocol counts on each task, so that one notebook can follow either, or both beside each other."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from numpy.typing import NDArray

from rnastudy.analyses.classification import ClassificationStudy
from rnastudy.analyses.structure import CAREFUL, REVIEW, StructureStudy
from rnastudy.contacts import Setting
from rnastudy.errors import unknown

__all__ = ["RULES", "Rules", "followed"]


@dataclass(frozen=True)
class Rules:
    """The measures of one protocol, and how to name them.

    Parameters
    ----------
    protocol : {"careful", "review"}
    setting : Setting
        Of the structure scan.
    structure, function : str
        Measure of each task.
    structure_words, function_words : str
        What these are in a sentence.
    higher_is_better : bool
        Of the measure of function; an overlap ratio is better when it is low.
    """

    protocol: str
    setting: Setting
    structure: str
    function: str
    structure_words: str
    function_words: str
    higher_is_better: bool

    def axis(self, task: str) -> str:
        """Name an axis: the measure of a task, and the protocol it follows.

        Examples
        --------
        >>> RULES["review"].axis("function")
        'overlap ratio, lower is better (review)'
        """
        words = {"structure": self.structure_words, "function": self.function_words}[task]
        return f"{words}{', lower is better' if task == 'function' and not self.higher_is_better else ''} ({self.protocol})"

    def structure_rows(self, study: StructureStudy) -> pd.DataFrame:
        """Return the headline rows of the models of a structure analysis, trained or not."""
        rows = study.table(self.setting, self.structure)
        return rows[rows.role.isin(["trained", "untrained"])]

    def structure_draws(self, study: StructureStudy) -> dict[str, NDArray]:
        """Return the bootstrap draws of these scores, by model."""
        return {name: getattr(study.draws[name, self.setting], self.structure) for name in self.structure_rows(study).model}

    def function_rows(self, study: ClassificationStudy) -> pd.DataFrame:
        """Return the headline rows of the models of a classification analysis, trained or not."""
        rows = study.table(self.function, self.protocol)
        return rows[rows.role.isin(["trained", "untrained"])]

    def function_draws(self, study: ClassificationStudy) -> dict[str, NDArray] | None:
        """Return the bootstrap draws of these scores; None under ``review``, which draws pairs and resamples no families."""
        found = {name: study.scores[name, self.protocol].draws.get(self.function) for name in self.function_rows(study).model}
        kept = {name: draws for name, draws in found.items() if draws is not None}
        return kept if len(kept) == len(found) else None


RULES = {
    "careful": Rules("careful", CAREFUL, "f1_macro", "auroc", "mean F1 per RNA", "AUROC of same-family pairs", True),
    "review": Rules("review", REVIEW, "f1_micro", "overlap_ratio", "F1 of all pairs pooled", "overlap ratio", False),
}


def followed(protocol: str) -> list[Rules]:
    """Return the rules of a protocol, or those of both, the one of the headline first.

    Raises
    ------
    StudyError
        If the word is not ``careful``, ``review`` or ``both``.

    Examples
    --------
    >>> [rules.protocol for rules in followed("both")], [rules.protocol for rules in followed("review")]
    (['careful', 'review'], ['review'])
    """
    if protocol not in (*RULES, "both"):
        raise unknown("protocol", protocol, [*RULES, "both"])
    return list(RULES.values()) if protocol == "both" else [RULES[protocol]]

"""The one loop that trains the small models, the recipes that remake those that ship, and the zoo of experiments.

`train` is looked up when it is asked for, so that recipes can be read without torch.
"""

from typing import TYPE_CHECKING, Any

from rnastudy.training.recipes import RECIPES, Recipe, Stage
from rnastudy.training.zoo import LEVELS, ZOO, Level

if TYPE_CHECKING:
    from rnastudy.training.loop import train

__all__ = ["LEVELS", "RECIPES", "ZOO", "Level", "Recipe", "Stage", "train"]


def __getattr__(name: str) -> Any:
    if name != "train":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rnastudy.training.loop import train

    return train

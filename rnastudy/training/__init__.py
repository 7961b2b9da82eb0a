"""The one loop that trains the small models, and the recipes that remake those that ship."""

from rnastudy.training.loop import train
from rnastudy.training.recipes import RECIPES, Recipe, Stage

__all__ = ["RECIPES", "Recipe", "Stage", "train"]

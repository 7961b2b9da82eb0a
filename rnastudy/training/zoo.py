"""Experiments: small models that differ from another in one thing each, trained with several seeds.

A level names what it is compared with (`Level.against`), and differs from it in its factor alone: same steps, same number
of bases in a batch, same schedule. Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rnastudy.errors import unknown
from rnastudy.training.recipes import Recipe, Stage, encoder_config

__all__ = ["BASE", "LEFT_OUT", "LEVELS", "PREFIX", "SEEDS", "ZOO", "Level", "level_of"]

#: Every level is trained with these seeds; a seed decides the first weights and every batch.
SEEDS = (0, 1, 2)
PREFIX, BASE = "zoo/", "base"


@dataclass(frozen=True, slots=True)
class Level:
    """One setting of one factor.

    Parameters
    ----------
    factor : str
        What is changed: architecture, objective, corpus, corpus size, tokens, size, alignment.
    name : str
        Name of the level; its recipe is ``zoo/NAME``, its models are ``zoo/NAME/SEED``.
    against : str
        Level that it is compared with; empty for a base, which is compared with nothing.
    says : str
        What is changed, in words.
    recipe : Recipe
        How it is trained; that of another level where `condition` is set.
    condition : str
        Condition of `rnastudy.models.load` under which the models of `trained_as` are asked again; such a level is not trained.
    trained_as : str
        See `condition`.
    """

    factor: str
    name: str
    against: str
    says: str
    recipe: Recipe
    condition: str = ""
    trained_as: str = ""

    def model(self, seed: int, *, untrained: bool = False) -> str:
        """Name by which `rnastudy.models.load` knows the model of a seed.

        Examples
        --------
        >>> level_of("prior-off-at-test").model(1)
        'zoo/prior/1@prior-off'
        """
        return f"{PREFIX}{self.trained_as or self.name}/{seed}{self.condition}{'@untrained' if untrained else ''}"


_STAGES = (
    Stage(0.15, {"single_hairpins": 1.0, "hairpins": 2.0}),
    Stage(0.85, {"rfam_drawn_train": 1.0, "hairpins": 0.4}),
)
_PLAIN: dict[str, Any] = {"map_channels": 0, "carry_scores": False}
_TAPS: dict[str, Any] = {**_PLAIN, "taps": 4}
#: What GC, AU and GU add, as in ERNIE-RNA.
_PRIOR = (3.0, 2.0, 0.8)
#: Chosen on srtrain150 and on the loss of validation families alone.
_BASE = Recipe(
    "encoder",
    encoder_config(32, 1, 2, **_TAPS),
    _STAGES,
    steps=400,
    tokens=2000,
    bases=(20, 100),
    learning_rate=2e-2,
    warmup=40,
    validation="rfam_drawn_train",
)
_ALIGNMENT = Recipe(
    "alignment",
    {},
    (Stage(1.0, {"rfam_drawn_alignments": 1.0}),),
    steps=400,
    tokens=4000,
    masked=0.2,
    mixture=(0.7, 0.2),
    bases=(20, 130),
    learning_rate=5e-3,
    warmup=40,
    validation="rfam_drawn_alignments",
)


def _shape(*sizes: int, **options: Any) -> Recipe:
    return replace(_BASE, config=encoder_config(*sizes, **options))


def _corpus(name: str, **changes: Any) -> Recipe:
    return replace(_BASE, stages=(Stage(1.0, {name: 1.0}),), **changes)


def _aligned(corpus: str = "rfam_drawn_alignments", **config: Any) -> Recipe:
    return replace(_ALIGNMENT, stages=(Stage(1.0, {corpus: 1.0}),), config=config)


def _architecture() -> list[Level]:
    prior = {"pair_prior": _PRIOR}
    return [
        Level("architecture", BASE, "", "anti-diagonal taps on the scores; one layer, two heads, width 32", _BASE),
        Level("architecture", "map-convolution", BASE, "3 x 3 convolutions over the score maps in the place of the taps", _shape(32, 1, 2, map_channels=6)),
        Level("architecture", "plain", BASE, "no taps: each score sees its own two bases only", _shape(32, 1, 2, **_PLAIN)),
        Level("architecture", "plain-two-layers", "plain", "a second layer", _shape(32, 2, 2, **_PLAIN)),
        Level("architecture", "stem", "plain", "a convolution of 7 bases behind the embedding", _shape(32, 1, 2, **_PLAIN, stem=7)),
        Level("architecture", "prior", "plain", "GC 3, AU 2, GU 0.8 added to the scores, as in ERNIE-RNA", _shape(32, 1, 2, **_PLAIN, **prior)),
        Level("architecture", "prior-off-at-test", "prior", "the same models, prior set to zero when asked", _BASE, "@prior-off", "prior"),
        Level("architecture", "taps-prior", BASE, "the prior beside the taps", _shape(32, 1, 2, **_TAPS, **prior)),
        Level("architecture", "taps-prior-off-at-test", "taps-prior", "the same models, prior set to zero when asked", _BASE, "@prior-off", "taps-prior"),
    ]


def _objective() -> list[Level]:
    return [
        Level("objective", "spans", BASE, "runs of 3 bases hidden instead of single ones; same share", replace(_BASE, masking="spans")),
        Level("objective", "long-spans", BASE, "runs of 6 bases hidden; same share", replace(_BASE, masking="spans", span=6)),
        Level("objective", "structure-loss", BASE, "dot-bracket symbols of the drawn families named too", replace(_BASE, structure_loss=True)),
    ]


def _corpora() -> list[Level]:
    changed = {
        "drawn": (BASE, "rfam_drawn_train", "no synthetic hairpins: drawn families alone"),
        "real": ("drawn", "real", "real Rfam seed sequences alone"),
        "real-shuffled": ("real", "real-shuffled", "the real sequences, dinucleotides shuffled"),
        "real-rows": ("real", "real-rows", "rows of real seed alignments, gaps taken out"),
        "real-columns": ("real-rows", "real-columns", "the same rows, every column shuffled by itself"),
        "drawn-rows": ("drawn", "drawn-rows", "rows of drawn alignments, gaps taken out"),
        "drawn-columns": ("drawn-rows", "drawn-columns", "the same rows, every column shuffled by itself"),
        "drawn-shuffled": ("drawn", "drawn-shuffled", "the drawn sequences, dinucleotides shuffled"),
        "drawn-letters": ("drawn-shuffled", "drawn-letters", "the drawn sequences, all letters shuffled: each keeps its composition alone"),
        "small-rnas": ("drawn", "drawn-small-rnas", "bacterial small RNAs only (Rfam type Gene; sRNA)"),
        "micro-rnas": ("drawn", "drawn-micro-rnas", "microRNA precursors only (Rfam type Gene; miRNA)"),
        "genome-like": ("drawn", "genome-like", "random, with the trinucleotides of an archaeal genome"),
    }
    return [Level("corpus", name, against, says, _corpus(corpus)) for name, (against, corpus, says) in changed.items()]


def _sizes_of_corpus() -> list[Level]:
    return [
        Level("corpus size", "drawn-10-percent", "drawn", "a tenth of the drawn sequences, by hash", _corpus("drawn-10%")),
        Level("corpus size", "drawn-1-percent", "drawn", "a hundredth of the drawn sequences, by hash, within the tenth", _corpus("drawn-1%")),
        Level("corpus size", "families-10-percent", "drawn", "a tenth of the drawn families, all their sequences", _corpus("drawn-10%-families")),
        Level("corpus size", "families-1-percent", "drawn", "a hundredth of the drawn families, within the tenth", _corpus("drawn-1%-families")),
    ]


def _tokens() -> list[Level]:
    # Bases shut in between hidden ones are in no shown 3-mer either: .18 chosen leave .25 unseen, as in the base.
    kmers, pairs = replace(_BASE, unit="kmer", unit_size=3, masked=0.18), replace(_BASE, unit="byte-pair", unit_size=120)
    return [
        Level("tokens", "kmers", BASE, "overlapping 3-mers; the same share of bases unseen, hidden in all their windows", kmers),
        Level("tokens", "byte-pairs", BASE, "120 byte-pair pieces learned from the corpus; the same bases a batch, fewer tokens", pairs),
    ]


def _ladder() -> list[Level]:
    shapes = {"3k": (16, 1, 2), "30k": (48, 2, 4), "70k": (64, 2, 4)}
    return [Level("size", f"size-{name}", BASE, f"width {one[0]}, {one[1]} layers, {one[2]} heads", _shape(*one, **_TAPS)) for name, one in shapes.items()]


def _alignments() -> list[Level]:
    return [
        Level("alignment", "alignment", "", "row and column attention with taps, trained on drawn alignments", _aligned()),
        Level("alignment", "alignment-no-taps", "alignment", "no taps on the row scores", _aligned(taps=0)),
        Level("alignment", "alignment-columns", "alignment", "drawn alignments, every column shuffled by itself", _aligned("drawn-alignment-columns")),
        Level("alignment", "alignment-real", "alignment", "real seed alignments", _aligned("real-alignments")),
        Level("alignment", "alignment-real-columns", "alignment-real", "real alignments, every column shuffled by itself", _aligned("real-alignment-columns")),
    ]


#: All levels by name, in the order they are trained in: what matters most comes first.
LEVELS: dict[str, Level] = {
    level.name: level for part in (_architecture, _corpora, _objective, _sizes_of_corpus, _tokens, _ladder, _alignments) for level in part()
}
#: Recipes of the levels that are trained, by the name that `rnastudy train` takes.
ZOO: dict[str, Recipe] = {PREFIX + level.name: level.recipe for level in LEVELS.values() if not level.condition}
#: What was not trained, and why.
LEFT_OUT = {
    "models of 300k parameters and more": "one run takes as long on a CPU as fifteen of the base",
    "a plain encoder with a thousand times the tokens": "a CPU cannot; it needs a GPU",
    "nRC's real sequences": "their classes are no Rfam families, so held-out families cannot be taken out",
    "bpRNA": "no licence stated, and it holds relatives of the test RNAs",
    "a genome's own sequences": "none is among the data sets; a Markov chain with one's trinucleotides stands in",
    "a learning rate tuned for each level": "one rate, chosen for the base; the map convolution, the plain encoder and larger models may want another",
    "longer training": "levels are compared after the same 400 steps, about 0.75 million bases; what one finds later is not seen",
    "a learned factor on the pairing prior": "the factor is ERNIE-RNA's constant; one thing at a time",
}


def level_of(name: str) -> Level:
    """Return a level by name.

    Raises
    ------
    StudyError
        If there is none.

    Examples
    --------
    >>> level_of("spans").against
    'base'
    """
    if name not in LEVELS:
        raise unknown("level of the zoo", name, LEVELS)
    return LEVELS[name]

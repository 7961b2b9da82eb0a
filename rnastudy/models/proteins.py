"""Models that read proteins: their letters, ESM-2 from its card alone, and the refusal to score them on RNA.

A protein model reads A, C, G and U as alanine, cysteine, glycine and selenocysteine. It would give numbers for an RNA, and
they would mean nothing; so it is refused. The review's ESM2 scores are of protein contacts as far as is known, and its
protocol says nothing of RNA letters given to a protein model; a model that was *trained* on RNA in protein letters (RESM,
ProtRNA) has an adapter that maps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rnastudy.errors import StudyError
from rnastudy.protein import AMINO_ACIDS, RESIDUES, Protein
from rnastudy.rna import Rna
from rnastudy.tokens import Tokens

if TYPE_CHECKING:
    from transformers import EsmConfig

    from rnastudy.models.cards import ModelCard

__all__ = [
    "ESM2_WORDS",
    "PROTEIN",
    "ProteinReader",
    "check_molecule",
    "esm2_config",
    "esm2_reader",
    "hub_reader",
    "reads_protein",
    "refuse_foreign",
    "refuse_protein_models",
]

#: Value of `ModelCard.alphabet` and of a reader's `alphabet` for a model of proteins.
PROTEIN = "protein"
#: The 33 tokens of ESM-2 in the order of their ids, as read in facebookresearch/esm (``esm/data.py`` and ``esm/constants.py``:
#: four special ones, the letters, and padding up to a multiple of 8 before ``<mask>``).
ESM2_WORDS = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")


class ProteinReader:
    """Reads one token a residue from a table of words.

    Parameters
    ----------
    words : mapping of str to int
        Token id of each amino acid, of ``<cls>``, ``<pad>``, ``<eos>`` and, where there are some, of X, B, Z, U, O and ``<unk>``.

    Raises
    ------
    StudyError
        If one of the twenty amino acids or a special token is not in the table.

    Examples
    --------
    >>> reader = ProteinReader({word: number for number, word in enumerate(ESM2_WORDS)})
    >>> reader.read("MKX").rows
    ((0, 20, 15, 24, 2),)
    """

    alphabet = PROTEIN
    single_base = True

    def __init__(self, words: Mapping[str, int]) -> None:
        missing = sorted({*AMINO_ACIDS, "<cls>", "<pad>", "<eos>"} - set(words))
        if missing:
            raise StudyError(f"the vocabulary has no token for {missing}; a protein model needs the twenty amino acids, <cls>, <pad> and <eos>")
        self.words = dict(words)
        self.pad, self.mask = words["<pad>"], words.get("<mask>")

    def read(self, *rows: str) -> Tokens:
        """Read one sequence.

        Raises
        ------
        StudyError
            If a letter has no token and there is none for unknown residues.
        """
        sequence = rows[0]
        unnamed = self.words.get("X", self.words.get("<unk>"))
        ids = [self.words.get(letter, unnamed if letter in RESIDUES else None) for letter in sequence]
        if None in ids or len(rows) > 1:
            why = "an alignment" if len(rows) > 1 else f"letter {sequence[ids.index(None)]!r}"
            raise StudyError(f"{why} cannot be read by a protein model of single sequences; give capital letters out of {RESIDUES}")
        spans = tuple((place, place + 1) for place in range(len(sequence)))
        read = (self.words["<cls>"], *(number for number in ids if number is not None), self.words["<eos>"])
        return Tokens((read,), (None, *spans, None), len(sequence))

    def base_ids(self) -> list[int]:
        """Token ids of the twenty amino acids, in the order of `AMINO_ACIDS`."""
        return [self.words[letter] for letter in AMINO_ACIDS]

    def pieces(self) -> dict[int, str]:
        """Refuse: no token of a protein model stands for a base."""
        raise StudyError("no token of a protein model stands for a base; scores of hidden bases are of models of RNA")


def esm2_reader() -> ProteinReader:
    """Make the reader of ESM-2 from `ESM2_WORDS`, for a network that has no tokenizer beside it."""
    return ProteinReader({word: number for number, word in enumerate(ESM2_WORDS)})


def hub_reader(tokenizer: Any) -> ProteinReader:
    """Make the reader of a protein model from its tokenizer.

    Parameters
    ----------
    tokenizer : PreTrainedTokenizerBase
        Of ESM-2, or one with the same names of tokens.
    """
    return ProteinReader(tokenizer.get_vocab())


def reads_protein(tokenizer: Any) -> bool:
    """Say whether a vocabulary holds each of the twenty amino acids as a token of its own, which no RNA alphabet does."""
    return set(AMINO_ACIDS) <= set(tokenizer.get_vocab())


def esm2_config(card: ModelCard) -> EsmConfig:
    """Return the configuration of an ESM-2 from the sizes on its card, without a network.

    Its vocabulary is `ESM2_WORDS`; norms have an epsilon of 1e-5, positions are rotary, embeddings are multiplied by
    0.88 (``token_dropout``), and the output matrix is the embedding.

    Parameters
    ----------
    card : ModelCard
        States layers, heads and width.

    Returns
    -------
    EsmConfig

    Examples
    --------
    >>> from rnastudy.models import cards
    >>> esm2_config(cards()["esm2-8m"]).intermediate_size
    1280
    """
    from rnastudy.models.esm import esm_config

    config = esm_config(card, len(ESM2_WORDS), pad=ESM2_WORDS.index("<pad>"), mask=ESM2_WORDS.index("<mask>"), token_dropout=True)
    config.tie_word_embeddings = True
    config.architectures = ["EsmForMaskedLM"]
    return config


def check_molecule(alphabet: str) -> Any:
    """Return a short molecule of the kind that a model of this alphabet reads."""
    return Protein("check", AMINO_ACIDS) if alphabet == PROTEIN else Rna("check", "GGGGCCAAAUAUGGCCCCAU")


def refuse_foreign(name: str, alphabet: str, molecules: Sequence[Any]) -> None:
    """Raise if a protein model is given RNA, or a model of RNA a protein.

    Parameters
    ----------
    name : str
        Of the model.
    alphabet : str
        Of its reader.
    molecules : sequence of Rna or Protein

    Raises
    ------
    StudyError

    Examples
    --------
    >>> refuse_foreign("esm2-8m", "protein", [Rna("x", "GGAAACC")])
    Traceback (most recent call last):
    ...
    rnastudy.errors.StudyError: esm2-8m is a protein model, 'x' an RNA: ...
    """
    for one in molecules:
        if isinstance(one, Protein) != (alphabet == PROTEIN):
            if alphabet == PROTEIN:
                raise StudyError(_refusal(name, f", {one.name!r} an RNA"))
            raise StudyError(f"{name} is a model of RNA, {one.name!r} a protein; score it with: rnastudy run structure --model {name}")


def refuse_protein_models(names: Iterable[str]) -> None:
    """Raise if one of the names is the card of a protein model: before any weights are fetched.

    Parameters
    ----------
    names : iterable of str
        As given to `load`, with a suffix or without.

    Raises
    ------
    StudyError

    Examples
    --------
    >>> refuse_protein_models(["rnafm", "esm2-8m@untrained"])
    Traceback (most recent call last):
    ...
    rnastudy.errors.StudyError: esm2-8m@untrained is a protein model: ...
    """
    from rnastudy.models.cards import cards

    for name in names:
        card = cards().get(name.partition("@")[0])
        if card is not None and card.alphabet == PROTEIN:
            raise StudyError(_refusal(name, ""))


def _refusal(name: str, what: str) -> str:
    return f"{name} is a protein model{what}: it would read bases as amino acids; score it with: rnastudy run proteins --model {name.partition('@')[0]}"

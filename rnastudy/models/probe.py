"""A model held still: attention layer by layer, hidden states and logits, in base coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from rnastudy.datasets.alignments import diverse_rows
from rnastudy.errors import StudyError
from rnastudy.models.kmers import KmerReader
from rnastudy.models.masking import base_scores, hide
from rnastudy.models.network import attention_points, watched
from rnastudy.models.proteins import ProteinReader, check_molecule, refuse_foreign
from rnastudy.models.readers import HubReader, LetterReader
from rnastudy.models.streaming import one_at_a_time
from rnastudy.rna import Rna
from rnastudy.tokens import Tokens, states_to_bases, to_bases

if TYPE_CHECKING:
    from rnastudy.models.cards import ModelCard

__all__ = ["AttentionLayer", "HiddenStates", "Probe"]

#: Default memory for the attention of one layer of one batch, in bytes.
MEMORY = 96 * 2**20
#: Copies of a layer's maps alive during a forward pass: scores, softmax, and the copy in base coordinates.
COPIES = 4


@dataclass(frozen=True, slots=True)
class AttentionLayer:
    """Attention of one layer to one RNA.

    Parameters
    ----------
    index : int
        Which of the RNAs that were handed in.
    layer : int
        Layer, from 0.
    maps : Tensor, shape (H, L, L), float32
        Softmaxed attention of bases (rows) to bases; rows sum to at most one, the rest went to special tokens.
    """

    index: int
    layer: int
    maps: Tensor


@dataclass(frozen=True, slots=True)
class HiddenStates:
    """Hidden states of one RNA.

    Parameters
    ----------
    index : int
        Which of the RNAs that were handed in.
    bases : Tensor, shape (N', L, D), float32
        States of the bases, for the N' layers asked for.
    first : Tensor, shape (N', D), optional
        States of the start token; ``None`` for a model without one.
    """

    index: int
    bases: Tensor
    first: Tensor | None


@dataclass(frozen=True, slots=True)
class Padding:
    """How a model pads.

    Parameters
    ----------
    to : int, optional
        Pad every input to this many tokens; to the longest of the batch when left out.
    seen : bool
        True if the model was trained to attend to padding.
    """

    to: int | None = None
    seen: bool = False


class Probe:
    """One model, ready to be asked; made by `rnastudy.models.load`.

    Parameters
    ----------
    name : str
        Name or path it was loaded by.
    network : nn.Module
        In evaluation mode, on its device.
    reader : LetterReader, HubReader, KmerReader or ProteinReader
        Turns RNAs (or proteins) into tokens.
    card : ModelCard, optional
        What is known of the model.
    max_bases : int, optional
        Longest RNA, in bases.
    max_tokens : int, optional
        Longest input, in tokens with special ones.
    reads_alignment : bool
        Reads the alignment of an RNA; without one it reads the sequence alone (depth 1).
    max_rows : int, optional
        Most rows of an alignment that it reads; `rows` chooses them.
    padding : Padding
        How it pads.
    weights_sha256, revision : str, optional
        Which weights these are.
    no_logits : str, optional
        Why the model has no likelihoods.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        reader: LetterReader | HubReader | KmerReader | ProteinReader,
        *,
        card: ModelCard | None = None,
        max_bases: int | None = None,
        max_tokens: int | None = None,
        reads_alignment: bool = False,
        max_rows: int | None = None,
        padding: Padding = Padding(),
        weights_sha256: str | None = None,
        revision: str | None = None,
        no_logits: str | None = None,
    ) -> None:
        self.name, self.network, self.reader, self.card = name, network.eval(), reader, card
        self.max_bases, self.max_tokens, self.padding = max_bases, max_tokens, padding
        self.reads_alignment, self.max_rows, self.no_logits = reads_alignment, max_rows, no_logits
        self.weights_sha256, self.revision = weights_sha256, revision
        config: Any = network.config
        self.n_layers, self.n_heads, self.width = config.num_hidden_layers, config.num_attention_heads, config.hidden_size
        self.n_parameters = sum(weight.numel() for weight in network.parameters())
        self.vocabulary: int = config.vocab_size
        self.points = attention_points(network)
        #: Bytes that one layer's attention of one batch may take.
        self.memory = MEMORY

    def __repr__(self) -> str:
        return f"Probe({self.name!r}, {self.n_layers} layers x {self.n_heads} heads, width {self.width}, {self.n_parameters:,} parameters)"

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.network.parameters()).device

    def skipped(self, rnas: Sequence[Rna]) -> list[int]:
        """Number the RNAs that are too long for the model; they are never cut.

        Parameters
        ----------
        rnas : sequence of Rna
            Any RNAs.

        Returns
        -------
        list of int
            Indices, counted from zero.
        """
        refuse_foreign(self.name, self.reader.alphabet, rnas)
        return [index for index, rna in enumerate(rnas) if self._too_long(rna)]

    def rows(self, rna: Rna) -> tuple[str, ...]:
        """Rows that the model reads of an RNA: those of its alignment, the most different ones where there are too many.

        Parameters
        ----------
        rna : Rna
            With an alignment or without.

        Returns
        -------
        tuple of str
            The first is the sequence; the only one (depth 1) for a model of single sequences or an RNA without alignment.
        """
        if not self.reads_alignment or not rna.alignment:
            return (rna.sequence,)
        return diverse_rows(rna.alignment, self.max_rows) if self.max_rows else rna.alignment

    def attention(self, rnas: Sequence[Rna]) -> Iterator[AttentionLayer]:
        """Stream the attention, one layer of one RNA at a time.

        The layers of an RNA come in order; RNAs come batch by batch, longest first. The maps of no more
        than one layer are held at any time.

        Parameters
        ----------
        rnas : sequence of Rna
            None longer than the model can read.

        Yields
        ------
        AttentionLayer

        Raises
        ------
        StudyError
            If an RNA is too long, or one alone does not fit into the memory of the device.
        """
        tokens = self._read(rnas)
        reached = dict.fromkeys(range(len(tokens)), 0)

        def run(batch: list[int]) -> Iterator[AttentionLayer]:
            for layer, maps in self._layers([tokens[index] for index in batch]):
                for row, index in enumerate(batch):
                    if reached[index] == layer:
                        size = len(tokens[index])
                        bases = to_bases(maps[row, :, :size, :size], tokens[index].spans, tokens[index].length)
                        reached[index] += 1
                        yield AttentionLayer(index, layer, bases)
                del maps

        yield from self._batched(tokens, run)

    def hidden(self, rnas: Sequence[Rna], *, layers: Literal["last", "all"] = "last") -> Iterator[HiddenStates]:
        """Stream hidden states, one RNA at a time, longest first.

        Parameters
        ----------
        rnas : sequence of Rna
            None longer than the model can read.
        layers : {"last", "all"}
            The last layer (N' = 1), or the embedding and every layer (N' = N + 1).

        Yields
        ------
        HiddenStates

        Raises
        ------
        StudyError
            If an RNA is too long, or one alone does not fit into the memory of the device.
        """
        if layers not in ("last", "all"):
            raise StudyError(f"layers={layers!r}; ask for 'last' or 'all'")
        tokens = self._read(rnas)

        def run(batch: list[int]) -> Iterator[HiddenStates]:
            states = self._forward([tokens[index] for index in batch], output_hidden_states=True).hidden_states
            if len(states) != self.n_layers + 1:
                raise StudyError(f"{self.name} returned {len(states)} hidden states, not {self.n_layers + 1}; its architecture needs an adapter")
            chosen = torch.stack([_reference(state) for state in (states if layers == "all" else states[-1:])], dim=1)
            for row, index in enumerate(batch):
                one = tokens[index]
                first = chosen[row, :, 0].float() if one.spans[0] is None else None
                yield HiddenStates(index, states_to_bases(chosen[row, :, : len(one)], one.spans, one.length), first)

        yield from self._batched(tokens, run)

    def logits(self, rnas: Sequence[Rna]) -> Iterator[tuple[int, Tensor]]:
        """Stream the logits of the four bases at every base, unmasked, longest RNA first.

        Parameters
        ----------
        rnas : sequence of Rna
            None longer than the model can read.

        Yields
        ------
        tuple of int and Tensor
            Index of the RNA, and logits of shape (L, 4) in the order A, C, G, U, float32.

        Raises
        ------
        StudyError
            If the model has no likelihoods, or its tokens are not single bases.
        """
        if self.no_logits:
            raise StudyError(f"{self.name} gives no logits: {self.no_logits}; choose another model for likelihoods")
        columns, tokens = self.reader.base_ids(), self._read(rnas)

        def run(batch: list[int]) -> Iterator[tuple[int, Tensor]]:
            scores = _reference(self._forward([tokens[index] for index in batch]).logits)
            for row, index in enumerate(batch):
                one = tokens[index]
                yield index, states_to_bases(scores[row, : len(one), columns], one.spans, one.length)

        yield from self._batched(tokens, run)

    def masked_logits(self, rnas: Sequence[Rna], hidden: Sequence[Sequence[int]]) -> Iterator[tuple[int, Tensor]]:
        """Stream the scores of the four bases at hidden bases, longest RNA first.

        Parameters
        ----------
        rnas : sequence of Rna
            None longer than the model can read.
        hidden : sequence of sequence of int
            Bases of each RNA to hide and to score, counted from zero; every token over one of them is masked.

        Yields
        ------
        tuple of int and Tensor
            Index of the RNA, and scores of shape (K, 4) in the order of its hidden bases and of A, C, G, U, float32.

        Raises
        ------
        StudyError
            If the model has no likelihoods or no mask token, or its tokens do not tell the bases apart.
        """
        mask = self.reader.mask
        if self.no_logits or mask is None:
            raise StudyError(f"{self.name} names no hidden bases: {self.no_logits or 'it has no mask token'}; choose another model")
        tokens, pieces = self._read(rnas), self.reader.pieces()
        shown = [hide(one, bases, mask) for one, bases in zip(tokens, hidden, strict=True)]

        def run(batch: list[int]) -> Iterator[tuple[int, Tensor]]:
            scores = _reference(self._forward([shown[index] for index in batch]).logits).float().cpu()
            for row, index in enumerate(batch):
                yield index, base_scores(scores[row], tokens[index].spans, hidden[index], pieces)

        yield from self._batched(shown, run)

    def token_maps(self, rna: Rna) -> Iterator[tuple[int, Tensor]]:
        """Stream the attention of one RNA between tokens, special ones included, as the network gives it.

        Yields
        ------
        tuple of int and Tensor
            Layer, from 0, and maps of shape (H, T, T); every row is to sum to one.
        """
        for layer, maps in self._layers(self._read([rna])):
            yield layer, maps[0]

    def check(self) -> Probe:
        """Run one short RNA through and refuse a model that cannot be right.

        Raises
        ------
        StudyError
            If maps hold a number that is not finite, rows do not sum to one, or layers or heads are missing.
        """
        tokens = [self._tokens(check_molecule(self.reader.alphabet))]
        shapes = []
        for _layer, maps in self._layers(tokens):
            sums = maps.float().sum(-1)
            if not torch.allclose(sums, torch.ones_like(sums), atol=1e-2):
                raise StudyError(f"{self.name}: attention rows sum to {sums.min():.3g} to {sums.max():.3g}, not 1; the weights or the adapter are wrong")
            shapes.append(maps.shape[1])
        if shapes != [self.n_heads] * self.n_layers:
            raise StudyError(f"{self.name}: heads by layer {shapes}, not {self.n_heads} in each of {self.n_layers}; its architecture needs an adapter")
        return self

    def _tokens(self, rna: Rna) -> Tokens:
        return self.reader.read(*self.rows(rna))

    def _too_long(self, rna: Rna) -> bool:
        if self.max_bases is not None and len(rna) > self.max_bases:
            return True
        return self.max_tokens is not None and len(self._tokens(rna)) > self.max_tokens

    def _read(self, rnas: Sequence[Rna]) -> list[Tokens]:
        long = self.skipped(rnas)
        if long:
            rna, limit = rnas[long[0]], f"{self.max_bases} bases" if self.max_bases else f"{self.max_tokens} tokens"
            raise StudyError(
                f"{len(long)} RNAs are too long for {self.name} (limit {limit}), first {rna.name!r} with {len(rna)} bases; leave out what skipped() numbers"
            )
        tokens = [self._tokens(rna) for rna in rnas]
        beyond = max((max(max(row) for row in one.rows) for one in tokens), default=0)
        if beyond >= self.vocabulary:
            raise StudyError(f"{self.name}: token {beyond} has no embedding (vocabulary {self.vocabulary}); the tokenizer is not this model's")
        return tokens

    def _batches(self, tokens: Sequence[Tokens]) -> Iterator[list[int]]:
        """Group RNAs of like length under the memory budget; alignments go one by one."""
        batch: list[int] = []
        for index in sorted(range(len(tokens)), key=lambda one: -len(tokens[one])):
            size = self.padding.to or len(tokens[batch[0] if batch else index])
            room = 1 if self.reads_alignment else max(1, self.memory // (COPIES * 4 * self.n_heads * size**2))
            if len(batch) >= room:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch

    def _batched(self, tokens: Sequence[Tokens], run: Any) -> Iterator[Any]:
        """Run every batch; one that does not fit on the device is halved."""
        waiting = list(self._batches(tokens))[::-1]
        while waiting:
            batch = waiting.pop()
            try:
                yield from run(batch)
                continue
            except torch.OutOfMemoryError:
                if len(batch) == 1:
                    length = tokens[batch[0]].length
                    raise StudyError(
                        f"{self.name}: one RNA of {length} bases does not fit into the memory of {self.device}; leave it out or use another device"
                    ) from None
            torch.cuda.empty_cache()
            waiting += [batch[len(batch) // 2 :], batch[: len(batch) // 2]]

    def _layers(self, tokens: Sequence[Tokens]) -> Iterator[tuple[int, Tensor]]:
        """Stream (layer, maps of shape (B, H, T, T)) out of one forward pass."""

        def call(send: Any) -> None:
            with watched(self.points, lambda layer, maps: send((layer, maps))):
                self._forward(tokens)

        yield from one_at_a_time(call)

    @torch.no_grad()
    def _forward(self, tokens: Sequence[Tokens], **options: bool) -> Any:
        inputs, mask = self._collate(tokens)
        return self.network(inputs, attention_mask=mask, **options)

    def _collate(self, tokens: Sequence[Tokens]) -> tuple[Tensor, Tensor]:
        """Pad to one length: ids and mask of shape (B, T), or (B, R, T) for an alignment model."""
        size = self.padding.to or max(len(one) for one in tokens)
        ids = torch.full((len(tokens), len(tokens[0].rows), size), self.reader.pad)
        mask = torch.full_like(ids, int(self.padding.seen))
        for row, one in enumerate(tokens):
            ids[row, :, : len(one)] = torch.tensor(one.rows)
            mask[row, :, : len(one)] = 1
        if not self.reads_alignment:
            ids, mask = ids[:, 0], mask[:, 0]
        return ids.to(self.device), mask.to(self.device)


def _reference(states: Tensor) -> Tensor:
    """Take the row of the RNA itself, (B, T, D), where an alignment gives (B, R, T, D)."""
    return states[:, 0] if states.dim() == 4 else states

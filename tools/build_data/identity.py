"""Near-duplicates: one RNA found inside another with at least 80 % of its bases unchanged.

The rule, everywhere in the data of this study: the shorter of two RNAs is laid into the longer one with free
ends (edit distance, every substitution, insertion and deletion costs 1); identity is 1 - distance / bases of
the shorter; 80 % or more is a near-duplicate. If the shorter has fewer than 30 bases the longer may have at most
1.25 times its bases, for any 8 bases are found by chance inside something long.

The distance is computed exactly by Myers' bit-vector method (J. ACM 46:395, 1999). Pairs whose shorter RNA has
30 bases or more are first required to share some 6-mers, about half of what random edits down to 80 % identity
leave on average: of random pairs just at 80 % this loses 1 to 2 % at 30 to 50 bases and none of 70 or more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

__all__ = ["IDENTITY", "distance_inside", "identity", "near_duplicates"]

IDENTITY = 0.8
SHORT = 30
LENGTH_RATIO = 1.25
WORD = 6
WORD_SHARE, WORD_SLACK = 0.16, 2


def distance_inside(pattern: str, text: str) -> int:
    """Return the fewest edits that turn `pattern` into some stretch of `text`.

    Parameters
    ----------
    pattern, text : str
        Sequences.

    Returns
    -------
    int
        Between 0 and ``len(pattern)``.

    Examples
    --------
    >>> distance_inside("GAUUA", "CCGAUACC"), distance_inside("GAU", "CCGAUACC")
    (1, 0)
    """
    last, full = 1 << (len(pattern) - 1), (1 << len(pattern)) - 1
    where = {letter: sum(1 << i for i, x in enumerate(pattern) if x == letter) for letter in set(pattern)}
    plus, minus, score, best = full, 0, len(pattern), len(pattern)
    for letter in text:
        equal = where.get(letter, 0)
        vertical = equal | minus
        horizontal = (((equal & plus) + plus) ^ plus) | equal
        up = minus | (full & ~(horizontal | plus))
        down = plus & horizontal
        if up & last:
            score += 1
        elif down & last:
            score -= 1
            if score < best:
                best = score
        up, down = (up << 1) & full, (down << 1) & full
        plus, minus = down | (full & ~(vertical | up)), up & vertical
    return best


def identity(one: str, other: str) -> float:
    """Return the identity of two RNAs over the shorter one, 0 if their lengths rule it out.

    Examples
    --------
    >>> identity("GGGGAAACCCC", "GGGGAAACCCA")
    0.9090909090909091
    >>> identity("GGGGAAACCCC", "A" * 40 + "GGGGAAACCCC")
    0.0
    """
    short, long = sorted((one, other), key=len)
    if len(short) < SHORT and len(long) > LENGTH_RATIO * len(short):
        return 0.0
    return 1 - distance_inside(short, long) / len(short)


def _words(sequence: str) -> set[str]:
    return {sequence[i : i + WORD] for i in range(len(sequence) - WORD + 1)}


class _Words:
    """Which sequences hold a word: a candidate shares enough words with the query, or one of the two is short."""

    def __init__(self, sequences: Sequence[str]) -> None:
        self.lengths = [len(sequence) for sequence in sequences]
        self.short = [k for k, bases in enumerate(self.lengths) if bases < SHORT]
        self.holders: dict[str, list[int]] = defaultdict(list)
        self.distinct = [0] * len(sequences)
        for k, sequence in enumerate(sequences):
            words = _words(sequence)
            self.distinct[k] = len(words)
            for word in words:
                self.holders[word].append(k)

    def candidates(self, query: str) -> Iterable[int]:
        if len(query) < SHORT:
            return (k for k, bases in enumerate(self.lengths) if bases <= LENGTH_RATIO * len(query))
        words = _words(query)
        shared = Counter(k for word in words for k in self.holders.get(word, ()))
        many = (k for k, n in shared.items() if n >= WORD_SHARE * min(self.distinct[k], len(words)) - WORD_SLACK)
        return sorted({*many, *self.short})


def near_duplicates(queries: Sequence[str], targets: Sequence[str]) -> list[tuple[int, int, float]]:
    """List every near-duplicate between two lists of sequences.

    Parameters
    ----------
    queries, targets : sequence of str
        RNAs in ``ACGU``.

    Returns
    -------
    list of (int, int, float)
        Index of the query, index of the target, identity; sorted.

    Examples
    --------
    >>> near_duplicates(["GGGGAAACCCC"], ["UUUUAAAAAAA", "GGGGAAACCCC"])
    [(0, 1, 1.0)]
    """
    words = _Words(targets)
    found = []
    for q, query in enumerate(queries):
        for t in words.candidates(query):
            same = identity(query, targets[t])
            if same >= IDENTITY - 1e-9:
                found.append((q, t, round(same, 4)))
    return sorted(found)

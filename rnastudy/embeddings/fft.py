"""The review's descriptor, and an experiment that shows what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rnastudy.errors import StudyError

__all__ = ["FFT_POINTS", "FftTrap", "fft_descriptor", "fft_trap"]

#: Points of the review's Fourier transform, and so the number of values that it reads.
FFT_POINTS = 128


def fft_descriptor(states: NDArray) -> NDArray:
    """Return the review's descriptor: ``scipy.fft.fft(10 * x.ravel(), n=128).real``.

    ``n=128`` cuts the flattened states to their first 128 values before it transforms them: for a width
    of 128 or more the rest of the RNA never enters.  See `fft_trap`.

    Parameters
    ----------
    states : ndarray, shape=(T, D) or (D,)
        Last hidden layer, with the start token first where the model has one.

    Returns
    -------
    ndarray, shape=(128,)
        Real part, in the precision of `states`; points k and 128 - k are equal, so 65 are independent.

    Notes
    -----
    Read in released evaluation code that follows the review (arXiv 2505.09087).

    Examples
    --------
    >>> fft_descriptor(np.array([[0.1, 0.2]]))[:2].round(3).tolist()
    [3.0, 2.998]
    """
    from scipy.fft import fft

    return fft(10 * np.asarray(states).ravel(), n=FFT_POINTS).real


@dataclass(frozen=True)
class FftTrap:
    """What happens to the review's descriptor when states behind its first 128 values change.

    Attributes
    ----------
    n_values, n_read, n_tokens_read : int
        Values in the states; how many of them the descriptor reads; how many tokens these touch.
    identical_after_replacement : bool
        Whether it is bit-identical with everything behind replaced by noise.
    identical_after_permutation : bool
        Whether it is bit-identical with everything behind permuted.
    n_independent : int
        Rank of the map from the values read to the descriptor.
    cosine_change_without_factor : float
        How much a cosine between two descriptors moves when the factor 10 is left out.
    mean_pooling_cosine : float
        Cosine between mean-pooled states before and after the replacement: what a descriptor that reads the RNA sees.
    """

    n_values: int
    n_read: int
    n_tokens_read: int
    identical_after_replacement: bool
    identical_after_permutation: bool
    n_independent: int
    cosine_change_without_factor: float
    mean_pooling_cosine: float


def fft_trap(states: NDArray, *, seed: int = 0) -> FftTrap:
    """Show the trap of the review's descriptor by experiment on real hidden states.

    Parameters
    ----------
    states : ndarray, shape=(T, D)
        Hidden states of one RNA, start token first where there is one; more than 128 values.
    seed : int
        Of the noise and the permutation.

    Returns
    -------
    FftTrap

    Raises
    ------
    StudyError
        If the states do not hold more than 128 values, or none of the first 128 differs from zero.

    Examples
    --------
    >>> trap = fft_trap(np.random.default_rng(0).normal(size=(30, 64)))
    >>> trap.identical_after_replacement, trap.n_tokens_read, trap.n_independent
    (True, 2, 65)
    """
    array = np.asarray(states)
    if array.ndim != 2 or array.size <= FFT_POINTS or not array.ravel()[:FFT_POINTS].any():
        raise StudyError(f"states of shape {array.shape} have nothing behind their first {FFT_POINTS} values, or zeros before it; give a longer RNA's")
    rng = np.random.default_rng(seed)
    head, tail = array.ravel()[:FFT_POINTS], array.ravel()[FFT_POINTS:]
    replaced = np.concatenate([head, rng.normal(size=tail.size).astype(array.dtype)]).reshape(array.shape)
    permuted = np.concatenate([head, rng.permutation(tail)]).reshape(array.shape)
    original, other = fft_descriptor(array), array[::-1]
    without_factor = _cosine(fft_descriptor(array / 10), fft_descriptor(other / 10))
    return FftTrap(
        n_values=array.size,
        n_read=FFT_POINTS,
        n_tokens_read=-(-FFT_POINTS // array.shape[1]),
        identical_after_replacement=np.array_equal(original, fft_descriptor(replaced)),
        identical_after_permutation=np.array_equal(original, fft_descriptor(permuted)),
        n_independent=int(np.linalg.matrix_rank(np.stack([fft_descriptor(unit) for unit in np.eye(FFT_POINTS)]))),
        cosine_change_without_factor=abs(_cosine(original, fft_descriptor(other)) - without_factor),
        mean_pooling_cosine=_cosine(array.mean(axis=0), replaced.mean(axis=0)),
    )


def _cosine(x: NDArray, y: NDArray) -> float:
    x, y = x.astype(np.float64), y.astype(np.float64)
    return float(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)))

"""Hidden states to one vector per RNA: poolings, layers, the review's FFT, PCA."""

from rnastudy.embeddings.fft import FFT_POINTS, FftTrap, fft_descriptor, fft_trap
from rnastudy.embeddings.records import Embeddings
from rnastudy.embeddings.stream import POOLINGS, embed, pca

__all__ = ["FFT_POINTS", "POOLINGS", "Embeddings", "FftTrap", "embed", "fft_descriptor", "fft_trap", "pca"]

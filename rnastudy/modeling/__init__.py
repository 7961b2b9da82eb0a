"""Small masked language models of RNA as `transformers` classes.

They are teaching models: small enough to train on a laptop, and built so that one part of the
architecture, a convolution over the map of attention scores, can be switched on and off.
Importing this package registers both classes with the ``Auto`` classes of `transformers`.
"""

from transformers import AutoConfig, AutoModelForMaskedLM

from rnastudy.modeling.alignment import ALIGNMENT_TOKENS, AlignmentConfig, AlignmentForMaskedLM
from rnastudy.modeling.encoder import TOKENS, EncoderConfig, EncoderForMaskedLM
from rnastudy.modeling.layers import MapConvolution, RelativeBias

__all__ = [
    "ALIGNMENT_TOKENS",
    "TOKENS",
    "AlignmentConfig",
    "AlignmentForMaskedLM",
    "EncoderConfig",
    "EncoderForMaskedLM",
    "MapConvolution",
    "RelativeBias",
]

AutoConfig.register(EncoderConfig.model_type, EncoderConfig, exist_ok=True)
AutoConfig.register(AlignmentConfig.model_type, AlignmentConfig, exist_ok=True)
AutoModelForMaskedLM.register(EncoderConfig, EncoderForMaskedLM, exist_ok=True)
AutoModelForMaskedLM.register(AlignmentConfig, AlignmentForMaskedLM, exist_ok=True)

"""The arithmetic of three originals, written a second time from their definitions, on tensors named as theirs.

Nothing of the package is used: layer norms, GELU, rotations and buckets are spelled out. All in double precision, one
function a model: `stored` by the authors' names, ids and mask (B, T), heads; gives states (N + 1), maps (N) and logits.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

Stored = dict[str, Tensor]
Result = tuple[list[Tensor], list[Tensor], Tensor | None]


def layer_norm(x: Tensor, held: Stored, name: str, eps: float) -> Tensor:
    middle = x - x.mean(-1, keepdim=True)
    return middle / (middle.square().mean(-1, keepdim=True) + eps).sqrt() * held[f"{name}.weight"] + held[f"{name}.bias"]


def any_norm(x: Tensor, held: Stored, name: str, eps: float) -> Tensor:
    if f"{name}.bias" in held:
        return layer_norm(x, held, name, eps)
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * held[f"{name}.weight"]


def dense(x: Tensor, held: Stored, name: str) -> Tensor:
    moved = torch.einsum("btd,od->bto", x, held[f"{name}.weight"])
    return moved + held[f"{name}.bias"] if f"{name}.bias" in held else moved


def gelu(x: Tensor) -> Tensor:
    return x * 0.5 * (1 + torch.erf(x / math.sqrt(2)))


def heads_apart(x: Tensor, heads: int) -> Tensor:
    return torch.stack(x.split(x.shape[-1] // heads, dim=-1), dim=1)


def heads_joined(x: Tensor) -> Tensor:
    return torch.cat(list(x.unbind(1)), dim=-1)


def double(stored: Stored) -> Stored:
    return {name: tensor.double() for name, tensor in stored.items()}


def count_layers(stored: Stored, before: str) -> int:
    return 1 + max(int(name.removeprefix(before).split(".")[0]) for name in stored if name.startswith(before))


def bucket(offset: int) -> int:
    """RNA-km's bucket of query minus key, as its facts state it, with logarithms in single precision as torch takes them."""
    size = abs(offset)
    start = 32 if offset < 0 else 0
    if size < 16:
        return start + size
    far = torch.log(torch.tensor(size / 16)) / math.log(256 / 16) * 16
    return start + min(31, 16 + math.trunc(far.item()))


def rnakm(stored: Stored, ids: Tensor, mask: Tensor, heads: int) -> Result:
    held, count = double(stored), ids.shape[1]
    rows = torch.tensor([[bucket(query - key) for key in range(count)] for query in range(count)])
    bias = held["embed_rp.relative_attention_bias.weight"][rows].permute(2, 0, 1)
    closed = torch.zeros(mask.shape, dtype=torch.double).masked_fill(mask == 0, -math.inf)
    x, maps = held["embed_tokens.0.weight"][ids], []
    states = [x]
    for layer in range(count_layers(stored, "encoder.layers.")):
        block = f"encoder.layers.{layer}"
        normed = layer_norm(x, held, f"{block}.norm1", 1e-5)
        q, k, v = (heads_apart(dense(normed, held, f"{block}.attn.fc_{part}"), heads) for part in ("query", "key", "value"))
        scores = torch.einsum("bhid,bhjd->bhij", q / math.sqrt(q.shape[-1]), k) + bias + closed[:, None, None]
        maps.append(torch.softmax(scores, -1))
        x = x + dense(heads_joined(maps[-1] @ v), held, f"{block}.attn.fc_out")
        normed = layer_norm(x, held, f"{block}.norm2", 1e-5)
        x = x + dense(gelu(dense(normed, held, f"{block}.ffn.ff.0")), held, f"{block}.ffn.ff.3")
        states.append(x)
    states[-1] = layer_norm(x, held, "layer_norm_after", 1e-5)
    return states, maps, None


def slopes(heads: int) -> list[float]:
    """ALiBi: with 2 ** n heads, ratio 2 ** -(8 / heads); else those, then the odd ones of twice as many."""
    power = 1 << (heads.bit_length() - 1)
    ratio = 2.0 ** (-8.0 / power)
    found = [ratio ** (head + 1) for head in range(power)]
    half = 2.0 ** (-4.0 / power)
    return (found + [half ** (2 * head + 1) for head in range(power)])[:heads]


def birnabert(stored: Stored, ids: Tensor, mask: Tensor, heads: int) -> Result:
    held, count = double(stored), ids.shape[1]
    far = torch.tensor([[abs(i - j) for j in range(count)] for i in range(count)], dtype=torch.double)
    bias = torch.stack([-slope * far for slope in slopes(heads)]) + (1 - mask.double())[:, None, None] * -10000
    words = held["bert.embeddings.word_embeddings.weight"]
    x = layer_norm(words[ids] + held["bert.embeddings.token_type_embeddings.weight"][0], held, "bert.embeddings.LayerNorm", 1e-12)
    states, maps = [x], []
    for layer in range(count_layers(stored, "bert.encoder.layer.")):
        block = f"bert.encoder.layer.{layer}"
        qkv = dense(x, held, f"{block}.attention.self.Wqkv").unflatten(-1, (3, heads, -1))
        q, k, v = (qkv[:, :, part].transpose(1, 2) for part in range(3))
        maps.append(torch.softmax(torch.einsum("bhid,bhjd->bhij", q, k) / math.sqrt(q.shape[-1]) + bias, -1))
        x = layer_norm(x + dense(heads_joined(maps[-1] @ v), held, f"{block}.attention.output.dense"), held, f"{block}.attention.output.LayerNorm", 1e-12)
        both = dense(x, held, f"{block}.mlp.gated_layers")
        inner = both.shape[-1] // 2
        x = layer_norm(x + dense(gelu(both[..., :inner]) * both[..., inner:], held, f"{block}.mlp.wo"), held, f"{block}.mlp.layernorm", 1e-12)
        states.append(x)
    ready = layer_norm(gelu(dense(x, held, "cls.predictions.transform.dense")), held, "cls.predictions.transform.LayerNorm", 1e-12)
    return states, maps, ready @ words.T + held["cls.predictions.decoder.bias"]


def turned(x: Tensor) -> Tensor:
    """Rotary positions as complex numbers: number k of a head is the real part, number k + d / 2 the imaginary one."""
    half = x.shape[-1] // 2
    speed = torch.tensor([10000 ** (-2 * k / x.shape[-1]) for k in range(half)], dtype=torch.double)
    angle = torch.arange(x.shape[-2], dtype=torch.double)[:, None] * speed
    moved = torch.complex(x[..., :half], x[..., half:]) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([moved.real, moved.imag], dim=-1)


def aidorna(stored: Stored, ids: Tensor, mask: Tensor, heads: int) -> Result:
    held = double(stored)
    off = ~(mask[:, :, None] * mask[:, None, :]).bool()[:, None]
    words = held["bert.embeddings.word_embeddings.weight"]
    x, maps = words[ids], []
    states = [x]
    for layer in range(count_layers(stored, "bert.encoder.layer.")):
        block = f"bert.encoder.layer.{layer}"
        normed = any_norm(x, held, f"{block}.attention.ln", 1e-5)
        q, k, v = (heads_apart(dense(normed, held, f"{block}.attention.self.{part}"), heads) for part in ("query", "key", "value"))
        scores = torch.einsum("bhid,bhjd->bhij", turned(q), turned(k)) / math.sqrt(q.shape[-1])
        lowest = float(torch.finfo(torch.float32).min)
        maps.append(torch.softmax(scores + off * lowest, -1).masked_fill(off, 0))
        x = x + dense(heads_joined(maps[-1] @ v), held, f"{block}.attention.output.dense")
        normed = any_norm(x, held, f"{block}.ln", 1e-5)
        gate = dense(normed, held, f"{block}.mlp.gate_proj")
        x = x + dense(gate * torch.sigmoid(gate) * dense(normed, held, f"{block}.mlp.up_proj"), held, f"{block}.mlp.down_proj")
        states.append(x)
    states[-1] = any_norm(x, held, "bert.encoder.ln", 1e-5)
    ready = any_norm(gelu(dense(states[-1], held, "cls.predictions.transform.dense")), held, "cls.predictions.transform.LayerNorm", 1e-5)
    return states, maps, ready @ words.T + held["cls.predictions.bias"]

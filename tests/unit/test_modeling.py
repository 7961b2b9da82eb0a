"""The small models: round trips, padding, gradients, and what the map convolution can see."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from rnastudy.modeling import ALIGNMENT_TOKENS, TOKENS, AlignmentConfig, AlignmentForMaskedLM, EncoderConfig, EncoderForMaskedLM
from rnastudy.modeling.layers import AntidiagonalTaps, MapConvolution, RelativeBias

ENCODERS = {
    "convolution": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=3),
    "plain": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=0, carry_scores=False),
}


def encoder(kind: str) -> EncoderForMaskedLM:
    torch.manual_seed(0)
    return EncoderForMaskedLM(ENCODERS[kind]).eval()


def aligner() -> AlignmentForMaskedLM:
    torch.manual_seed(0)
    return AlignmentForMaskedLM(AlignmentConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16)).eval()


def sequence(length: int, rows: int | None = None) -> torch.Tensor:
    shape = (1, length) if rows is None else (1, rows, length)
    return torch.randint(0, 4, shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ENCODERS)
def test_saved_and_loaded_models_are_the_same(kind: str, tmp_path) -> None:
    model = encoder(kind)
    model.save_pretrained(tmp_path)
    again, report = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values())
    assert type(AutoConfig.from_pretrained(tmp_path)) is EncoderConfig
    assert torch.equal(model(sequence(9)).logits, again.eval()(sequence(9)).logits)


def test_saved_and_loaded_alignment_models_are_the_same(tmp_path) -> None:
    model = aligner()
    model.save_pretrained(tmp_path)
    again = AutoModelForMaskedLM.from_pretrained(tmp_path).eval()
    assert torch.equal(model(sequence(9, 3)).logits, again(sequence(9, 3)).logits)


@pytest.mark.parametrize("kind", ENCODERS)
def test_padding_changes_nothing(kind: str) -> None:
    model, ids = encoder(kind), sequence(9)
    padded = torch.nn.functional.pad(ids, (0, 5), value=TOKENS["PAD"])
    alone, beside = model(ids, output_attentions=True), model(padded, output_attentions=True)
    torch.testing.assert_close(beside.logits[:, :9], alone.logits, atol=1e-5, rtol=0)
    for one, two in zip(alone.attentions, beside.attentions, strict=True):
        torch.testing.assert_close(two[:, :, :9, :9], one, atol=1e-5, rtol=0)
        assert two[:, :, :9, 9:].abs().max() == 0


def test_padding_columns_and_rows_of_an_alignment_changes_nothing() -> None:
    model, ids = aligner(), sequence(9, 3)
    padded = torch.nn.functional.pad(ids, (0, 4, 0, 2), value=ALIGNMENT_TOKENS["PAD"])
    alone, beside = model(ids, output_attentions=True), model(padded, output_attentions=True)
    torch.testing.assert_close(beside.logits[:, :3, :9], alone.logits, atol=1e-5, rtol=0)
    torch.testing.assert_close(beside.attentions[1][:, :, :9, :9], alone.attentions[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", ENCODERS)
def test_attention_is_a_softmax_and_layers_are_all_there(kind: str) -> None:
    out = encoder(kind)(sequence(7), output_attentions=True, output_hidden_states=True)
    assert len(out.attentions) == 2
    assert len(out.hidden_states) == 3
    for maps in out.attentions:
        torch.testing.assert_close(maps.sum(-1), torch.ones(1, 2, 7))


def test_rows_of_an_alignment_share_one_map_and_their_order_does_not_matter() -> None:
    model, ids = aligner(), sequence(9, 4)
    straight = model(ids, output_attentions=True).attentions
    turned = model(ids[:, [0, 3, 1, 2]], output_attentions=True).attentions
    for one, two in zip(straight, turned, strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=0)


def test_taps_add_along_the_antidiagonal() -> None:
    taps = AntidiagonalTaps(heads=1, reach=2)
    with torch.no_grad():
        taps.weight.copy_(torch.tensor([[0.1, 0.2, 0.3, 0.4, 0.5]]))
    scores = torch.zeros(1, 1, 9, 9)
    scores[0, 0, 3, 6] = 1.0
    added = taps(scores)[0, 0]
    # S[i, j] += sum over k of w[k] S[i + k, j - k], k = -2 .. 2: the one score at (3, 6) reaches (3 - k, 6 + k).
    expected = torch.zeros(9, 9)
    for k, weight in zip(range(-2, 3), (0.1, 0.2, 0.3, 0.4, 0.5), strict=True):
        expected[3 - k, 6 + k] = weight
    torch.testing.assert_close(added, expected)


def test_the_convolution_sees_two_scores_away_and_no_padding() -> None:
    torch.manual_seed(0)
    convolution = MapConvolution(heads=1, channels=4)
    scores, off = torch.zeros(1, 1, 11, 11), torch.zeros(1, 1, 11, 11, dtype=torch.bool)
    before = convolution(scores, off)
    scores[0, 0, 5, 5] = 1.0
    changed = (convolution(scores, off) - before).abs()[0, 0] > 1e-9
    assert changed[3:8, 3:8].any()
    changed[3:8, 3:8] = False
    assert not changed.any()
    off[..., 5, 5] = True
    torch.testing.assert_close(convolution(scores, off)[0, 0, 0, 0], before[0, 0, 0, 0])


def test_position_bias_starts_at_zero_and_clips() -> None:
    bias = RelativeBias(heads=1, window=2)
    assert bias(5).abs().max() == 0
    with torch.no_grad():
        bias.table.copy_(torch.arange(5.0)[None])
    assert bias(5)[0, 0].tolist() == [2, 3, 4, 4, 4]
    assert bias(5)[0, 4].tolist() == [0, 0, 0, 1, 2]


def test_loss_counts_hidden_bases_only() -> None:
    model, ids = encoder("convolution"), sequence(6)
    labels = torch.full((1, 6), -100)
    labels[0, 2] = 1
    out = model(ids, labels=labels)
    expected = -out.logits[0, 2].log_softmax(-1)[1]
    torch.testing.assert_close(out.loss, expected)

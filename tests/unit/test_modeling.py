"""The small models: round trips, padding, gradients, and what the map convolution can see."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from rnastudy.errors import StudyError
from rnastudy.modeling import ALIGNMENT_TOKENS, TOKENS, AlignmentConfig, AlignmentForMaskedLM, EncoderConfig, EncoderForMaskedLM
from rnastudy.modeling.layers import AntidiagonalTaps, LocalStem, MapConvolution, PairPrior, RelativeBias, ShiftedTaps
from rnastudy.modeling.pieces import Pieces

ENCODERS = {
    "convolution": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=3),
    "taps": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=0, taps=3),
    "stem": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=0, stem=7),
    "prior": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, map_channels=0, pair_prior=(3, 2, 0.8)),
    "structure": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, structure_symbols=3),
    "kmer": EncoderConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, unit="kmer", unit_size=3, vocab_size=72),
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


def test_shifted_copies_give_the_same_sum_as_the_kernel() -> None:
    torch.manual_seed(0)
    taps, shifted = AntidiagonalTaps(2, 3), ShiftedTaps(2, 3)
    shifted.load_state_dict(taps.state_dict())
    scores = torch.randn(2, 2, 11, 11)
    torch.testing.assert_close(shifted(scores), taps(scores))


def test_the_stem_sees_three_bases_to_each_side_and_no_padding() -> None:
    torch.manual_seed(0)
    stem, states, padded = LocalStem(4, 7), torch.zeros(1, 15, 4), torch.zeros(1, 15, dtype=torch.bool)
    before = stem(states, padded)
    states[0, 7] = 1.0
    changed = (stem(states, padded) - before).abs().sum(-1)[0] > 1e-9
    assert changed.nonzero().flatten().tolist() == list(range(4, 11))
    padded[0, 7] = True
    torch.testing.assert_close(stem(states, padded)[0, 6], before[0, 6])


def test_the_prior_adds_its_weights_to_pairs_alone() -> None:
    added = PairPrior((3.0, 2.0, 0.8), 8)(torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7]]))[0, 0]
    expected = torch.zeros(8, 8)
    for (one, other), weight in {(1, 2): 3.0, (0, 3): 2.0, (2, 3): 0.8}.items():
        expected[one, other] = expected[other, one] = weight
    torch.testing.assert_close(added, expected)


def test_the_prior_stays_through_saving_and_can_be_switched_off(tmp_path) -> None:
    from rnastudy import models

    model = encoder("prior")
    model.save_pretrained(tmp_path)
    on, off = models.load(tmp_path), models.load(f"{tmp_path}@prior-off")
    ids = sequence(9)
    torch.testing.assert_close(on.network(ids, output_attentions=True).attentions[0], model(ids, output_attentions=True).attentions[0])
    assert not torch.equal(on.network(ids).logits, off.network(ids).logits)
    assert models.load(f"{tmp_path}@untrained").network.model.prior.pairwise_bias_map.abs().max() == 0


def test_structure_adds_its_loss_where_it_is_known() -> None:
    model, ids = encoder("structure"), sequence(6)
    labels, symbols = torch.full((1, 6), -100), torch.full((1, 6), -100)
    labels[0, 2] = 1
    alone = model(ids, labels=labels, symbols=symbols).loss
    torch.testing.assert_close(alone, model(ids, labels=labels).loss)
    symbols[0, 3] = 2
    added = -model.structure_head(model(ids, output_hidden_states=True).hidden_states[-1])[0, 3].log_softmax(-1)[2]
    torch.testing.assert_close(model(ids, labels=labels, symbols=symbols).loss, alone + added)


def test_a_model_of_pieces_names_pieces() -> None:
    assert encoder("kmer")(sequence(6)).logits.shape == (1, 6, 72)


def test_vocabularies_cut_and_come_back(tmp_path) -> None:
    for made in (Pieces.kmers(3), Pieces.byte_pairs(["GGGAAACCC"] * 9, 5)):
        made.save(tmp_path)
        again = Pieces.read(tmp_path, made.unit, made.size)
        assert again.cut("GGGAACNCC") == made.cut("GGGAACNCC")
        assert {made.texts[number] for number in (0, 1, 2, 3)} == set("ACGU")
    ids, spans = Pieces.kmers(3).cut("ACNGUA")
    assert ids[:3] == [5, 5, 5]
    assert spans[-1] == (3, 6)
    with pytest.raises(StudyError, match="no window of 3"):
        Pieces.kmers(3).cut("AC")
    with pytest.raises(StudyError, match=r"needs its tokenizer\.json"):
        Pieces.read(tmp_path / "none", "kmer", 3)
    with pytest.raises(StudyError, match="unit of tokens"):
        Pieces("base", 1, Pieces.kmers(3).tokenizer)

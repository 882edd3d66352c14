"""The loss against torch's own on full padded logits; what is padding, or stands beside, changes nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import unrolled as ur
from unrolled.errors import SettingsError
from unrolled.text import fit as module
from unrolled.text.architecture import Architecture
from unrolled.text.batching import Encoded, pad
from unrolled.text.fit import Examples, Objective, dev_loss, fit, loss_of, shifted
from unrolled.text.tokenizer import BEGIN, END, PAD, learn

SIZE = 13
SHAPES = {
    "attention": {"attention": "dot"},
    "context vector": {"attention": None, "cell": "gru"},
    "input feeding": {"attention": "general", "input_feeding": True},
    "transformer": {"model": "transformer"},
}
ROWS = st.lists(st.lists(st.integers(3, SIZE - 1), min_size=1, max_size=6), min_size=1, max_size=6)


def architecture(**options) -> Architecture:
    shape = {"model": "recurrent", "cell": "lstm", "attention": "dot", "input_feeding": False} | options
    return Architecture(source_size=SIZE, target_size=SIZE, embedding=8, hidden=8, layers=1, dropout=0.0, **shape)


def network(**options) -> nn.Module:
    torch.manual_seed(0)
    return architecture(**options).build().double()


def rows(count: int, seed: int) -> Encoded:
    generator = np.random.default_rng(seed)
    return Encoded([generator.integers(3, SIZE, generator.integers(1, 8)).tolist() for _ in range(count)])


def on_full_logits(model: nn.Module, source: Encoded, target: Encoded, smoothing: float) -> Tensor:
    """The same by torch alone, with the logits of every step, those of padding among them."""
    x, x_lengths = pad([source[i] for i in range(len(source))])
    longest = int(target.lengths.max()) + 1
    reads, says = (torch.full((len(target), longest), PAD) for _ in range(2))
    for i in range(len(target)):
        y = target[i].tolist()
        reads[i, : len(y) + 1] = torch.tensor([BEGIN, *y])
        says[i, : len(y) + 1] = torch.tensor([*y, END])
    logits = model.project(model(x, x_lengths, reads)[0])  # type: ignore[operator] - (batch, tgt, vocab)
    return nn.functional.cross_entropy(logits.transpose(1, 2), says, ignore_index=PAD, label_smoothing=smoothing)


def gradients(model: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_the_loss_is_torchs_over_all_padded_logits(options, smoothing):
    model, source, target = network(**options), rows(7, seed=1), rows(7, seed=2)
    ours = loss_of(model, source, target, torch.arange(7), smoothing=smoothing)
    torchs = on_full_logits(model, source, target, smoothing)
    torch.testing.assert_close(ours, torchs, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradients(model, ours), gradients(model, torchs), rtol=1e-9, atol=1e-12)


def test_the_loss_by_hand():
    """(1 - ε)(-log p(y)) + ε / |vocab| Σ -log p(v), of each step that is real."""
    model, source, target = network(), Encoded([[5, 6]]), Encoded([[7]])
    hidden, _ = model(torch.tensor([[5, 6]]), torch.tensor([2]), torch.tensor([[BEGIN, 7]]))
    nll = -model.project(hidden)[0].log_softmax(-1)  # type: ignore[operator] - (2, vocab)
    expected = sum(0.8 * nll[t, y] + 0.2 * nll[t].mean() for t, y in enumerate((7, END))) / 2
    torch.testing.assert_close(loss_of(model, source, target, torch.tensor([0]), smoothing=0.2), expected)


@given(targets=ROWS)
def test_what_is_read_and_what_is_said_are_one_step_apart(targets):
    y, lengths = pad(targets)
    reads, says, real = shifted(y, lengths)
    assert reads.shape == says.shape == real.shape == (len(targets), max(map(len, targets)) + 1)
    for i, target in enumerate(targets):
        assert reads[i][real[i]].tolist() == [BEGIN, *target]
        assert says[i][real[i]].tolist() == [*target, END]
        assert (says[i][~real[i]] == PAD).all()
        assert real[i].tolist() == [True] * (len(target) + 1) + [False] * (real.shape[1] - len(target) - 1)


@settings(max_examples=25)
@given(sources=ROWS, data=st.data())
@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_batches_and_padding_change_nothing(options, sources, data):
    """The loss of a batch is the mean over steps of what each pair has alone, in any order."""
    targets = data.draw(st.lists(ROWS.map(lambda r: r[0]), min_size=len(sources), max_size=len(sources)))
    model, source, target = network(**options), Encoded(sources), Encoded(targets)
    order = torch.tensor(data.draw(st.permutations(range(len(sources)))))
    with torch.no_grad():
        alone = [float(loss_of(model, source, target, torch.tensor([i]))) for i in range(len(sources))]
        steps = [len(y) + 1 for y in targets]
        expected = sum(a * n for a, n in zip(alone, steps, strict=True)) / sum(steps)
        assert float(loss_of(model, source, target, order)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_the_loss_on_dev_is_that_of_sentence_after_sentence(options):
    model, source, target = network(**options), rows(11, seed=3), rows(11, seed=4)
    model.get_submodule("dropout").p = 0.9  # type: ignore[assignment] - dev is scored without
    dev, total, steps = Examples(source, target, [""] * 11, [""] * 11), 0.0, 0
    found = [dev_loss(model.train(), dev, torch.device("cpu"), sentences=n) for n in (1, 3, 64)]
    assert model.training
    model.eval()
    for i in range(11):
        count = len(target[i]) + 1
        alone = on_full_logits(model, Encoded([source[i].tolist()]), Encoded([target[i].tolist()]), 0.0)
        total, steps = total + count * float(alone.detach()), steps + count
    assert found == pytest.approx([total / steps] * 3, rel=1e-10)


# ---- scheduled sampling


def fitted(objective: Objective, options: dict, epochs: int = 4):
    texts = [" ".join("abcdefgh"[int(i)] for i in np.random.default_rng(n).integers(0, 8, 3)) for n in range(24)]
    tokenizer, _ = learn("words", texts, SIZE)
    ids = Encoded.of(tokenizer, texts)
    shape = Architecture(
        **{**architecture(**options).__dict__, "source_size": len(tokenizer), "target_size": len(tokenizer)}
    )
    dev = Examples(Encoded.of(tokenizer, texts[:3]), Encoded.of(tokenizer, texts[:3]), texts[:3], texts[:3])
    settings_ = ur.TrainingSettings(epochs=epochs, batch_size=6, threads=1, learning_rate=1e-2)
    cpu = torch.device("cpu")
    return fit(shape, None, (ids, ids), dev, tokenizer, settings_, objective, bleu_tokenizer="none", device=cpu)


@pytest.mark.parametrize("options", [SHAPES["attention"], SHAPES["input feeding"]], ids=str)
def test_scheduled_sampling_trains_and_its_ratio_falls(options, monkeypatch):
    ratios: list[float] = []

    def spied(*arguments, teacher_forcing=1.0, smoothing=0.0):
        if smoothing:  # not of dev, which is teacher-forced always
            ratios.append(teacher_forcing)
        else:
            assert teacher_forcing == 1.0
        return loss_of(*arguments, teacher_forcing=teacher_forcing, smoothing=smoothing)

    monkeypatch.setattr(module, "loss_of", spied)
    _, state = fitted(Objective(teacher_forcing=0.5, schedule="linear"), options)
    trained = ratios[-state.step :]
    expected = [0.5 * (1 - step / state.step) for step in range(state.step)]
    assert trained == pytest.approx(expected)
    assert state.records[-1]["dev_loss"] < state.records[0]["dev_loss"]


def test_a_constant_ratio_stays_and_full_teacher_forcing_is_the_default(monkeypatch):
    for objective, expected in ((Objective(teacher_forcing=0.25), 0.25), (Objective(), 1.0)):
        ratios: set[float] = set()

        def spied(*arguments, teacher_forcing=1.0, smoothing=0.0, ratios=ratios):
            ratios |= {teacher_forcing} if smoothing else set()
            return loss_of(*arguments, teacher_forcing=teacher_forcing, smoothing=smoothing)

        monkeypatch.setattr(module, "loss_of", spied)
        fitted(objective, SHAPES["attention"], epochs=1)
        assert ratios == {expected}


@pytest.mark.parametrize("objective", [Objective(teacher_forcing=0.5), Objective(schedule="linear")], ids=str)
def test_a_transformer_is_not_trained_by_scheduled_sampling(objective):
    with pytest.raises(SettingsError, match="a Transformer reads all of the truth at once; leave out teacher_forcing"):
        fitted(objective, SHAPES["transformer"])


def test_training_moves_nobody_elses_random_numbers():
    before = torch.get_rng_state()
    fitted(Objective(), SHAPES["attention"], epochs=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_best_weights_are_those_that_are_chosen_by():
    for by in ("bleu", "loss"):
        _, state = fitted(Objective(choose_by=by), SHAPES["attention"], epochs=6)
        best = min(state.records, key=lambda r: r["dev_loss"] if by == "loss" else -r["bleu"] + 1e-3 * r["dev_loss"])
        assert state.best_step == best["step"]
        assert len(state.records[0]["samples"]) == 2
        assert state.records[0]["perplexity"] == pytest.approx(np.exp(state.records[0]["dev_loss"]))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"label_smoothing": 1.0}, "label_smoothing has to be at least 0 and below 1, got 1.0"),
        ({"label_smoothing": "0.1"}, "label_smoothing has to be a number, got '0.1'"),
        ({"label_smoothing": float("nan")}, "label_smoothing has to be at least 0 and below 1, got nan"),
        ({"teacher_forcing": -0.1}, "teacher_forcing, a probability, has to be from 0 to 1, got -0.1"),
        ({"teacher_forcing": True}, "teacher_forcing has to be a number, got 'True'"),
        ({"schedule": "linea"}, "unknown schedule 'linea'; nearest: 'linear'"),
        ({"schedule": ["linear"]}, "unknown schedule \"['linear']\"; nearest: 'linear'"),
        ({"choose_by": "blue"}, "weights can't be chosen by 'blue'; nearest: 'bleu'"),
    ],
    ids=str,
)
def test_objectives_that_can_not_be(options, text):
    with pytest.raises(SettingsError) as error:
        Objective(**options)
    assert str(error.value) == text

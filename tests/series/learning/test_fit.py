"""Training a network on examples: by seeds, by every loss and strategy, and what is told on the way."""

from dataclasses import replace

import pytest
import torch

from unrolled.nn.names import CELLS
from unrolled.series.learning.architecture import Architecture
from unrolled.series.learning.ensemble import Ensemble
from unrolled.series.learning.fit import Files, fit_network
from unrolled.series.models import STRATEGIES, forecast
from unrolled.series.models.losses import LOSSES
from unrolled.series.windows.examples import Examples
from unrolled.series.windows.split import Split
from unrolled.training import Progress, TrainingSettings

GRU = CELLS["gru"]
SHORT = TrainingSettings(epochs=1, threads=1)
SHAPE = {"cell": "gru", "lookback": 6, "horizon": 3, "hidden": 4}


@pytest.fixture(scope="module")
def examples(panel_of) -> Examples:
    """120 days of two targets, a past and a known covariate, all above zero."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(120, 2, generator=draw)
    waves = torch.sin(torch.arange(120.0)[:, None] / torch.tensor([2.0, 3.0]))
    waves += 0.05 * torch.randn(120, 2, generator=draw)
    values = torch.cat([5 + waves, x], dim=1).double().numpy()
    panel = panel_of([values], targets=("y", "z"), past=("a",), known=("k",))
    return Examples.build(panel, Split(84, 96, 120), lookback=6, horizon=3)


def fitted(examples, settings=SHORT, files=None, on_progress=None, start=None, **asked):
    shape = Architecture.of(examples.panel, **SHAPE | asked)
    return fit_network(shape, GRU, examples, settings, files=files, on_progress=on_progress, start=start)


def test_fitting_is_the_same_for_one_seed_and_another_for_another(examples):
    def weights(seed: int):
        state = torch.get_rng_state()
        model, [record] = fitted(examples, replace(SHORT, seed=seed))
        assert torch.equal(torch.get_rng_state(), state)  # nobody else's random numbers move
        assert not model.training
        return model.state_dict(), record

    (first, record), (again, _), (other, _) = weights(0), weights(0), weights(1)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)
    assert record.records[-1]["validation"] is not None
    still = replace(SHORT, learning_rate=1e-30)
    starts = [fitted(examples, replace(still, seed=seed))[0].state_dict() for seed in (0, 1)]
    assert not torch.equal(starts[0]["rnn.weight_ih_l0"], starts[1]["rnn.weight_ih_l0"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_by_every_loss_and_is_chosen_by_it(strategy, loss, examples):
    """The validation score is the loss of the forecasts, not of training with its teacher forcing."""
    quantiles = (0.1, 0.5, 0.9) if loss == "quantile" else ()
    settings = TrainingSettings(epochs=2, threads=1, learning_rate=0.02, batch_size=16)
    model, [record] = fitted(examples, settings, strategy=strategy, loss=loss, quantiles=quantiles)
    windows = examples.windows("validation")
    batch = windows.batch(torch.arange(len(windows)))
    criterion = Architecture.of(examples.panel, **SHAPE, loss=loss, quantiles=quantiles).criterion()
    said = forecast(model, [batch])
    assert said.shape == (len(windows), 3, 2, len(quantiles) or 1)
    assert record.best == pytest.approx(float(criterion(said, batch)), rel=1e-6)
    assert [one["loss"] > 0 for one in record.records] == [True] * len(record.records)
    naive = batch.past[:, -1:, :2, None].expand(said.shape)
    assert ((said - naive).abs() > 1e-3).float().mean() > 0.7


def test_without_a_validation_part_the_last_weights_count(examples):
    whole = replace(examples, cuts=Split(120, 120, 120))
    model, [record] = fitted(whole, replace(SHORT, epochs=2))
    assert [one["validation"] for one in record.records] == [None] * len(record.records)
    assert forecast(model, examples.windows("test").batches()).isfinite().all()


def test_members_of_an_ensemble_are_single_networks_of_seeds_that_follow(examples, tmp_path):
    files = Files(tmp_path / "checkpoints" / "fit.safetensors", tmp_path / "metrics.jsonl")
    model, states = fitted(examples, replace(SHORT, seed=3), files=files, ensemble=3)
    assert isinstance(model, Ensemble)
    assert len(states) == 3
    for number, member in enumerate(model.members):
        alone, [record] = fitted(examples, replace(SHORT, seed=3 + number))
        own, expected = member.state_dict(), alone.state_dict()
        assert all(torch.equal(own[name], expected[name]) for name in expected)
        assert states[number].best == record.best
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == [
        *("fit-2.safetensors", "fit-3.safetensors", "fit.safetensors"),
        *("metrics-2.jsonl", "metrics-3.jsonl", "metrics.jsonl"),
    ]


def test_members_share_the_minutes(examples, monkeypatch):
    asked = []

    def told(model, loss, count, validate, settings, **_):
        asked.append((settings.minutes, settings.epochs, settings.seed))
        return usual(model, loss, count, validate, replace(settings, minutes=None, epochs=1), **_)

    from unrolled.series.learning import fit

    usual = fit.train
    monkeypatch.setattr(fit, "train", told)
    fitted(examples, TrainingSettings(minutes=6.0, threads=1, seed=5), ensemble=3)
    assert asked == [(2.0, None, 5), (2.0, None, 6), (2.0, None, 7)]


def test_progress_of_an_ensemble_goes_once_from_nothing_to_the_whole(examples):
    seen: list[Progress] = []
    fitted(examples, replace(SHORT, epochs=2, batch_size=16), on_progress=seen.append, ensemble=2)
    alone: list[Progress] = []
    fitted(examples, replace(SHORT, epochs=2, batch_size=16), on_progress=alone.append)
    fractions = [one.fraction for one in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert fractions[: len(alone)] == [one.fraction / 2 for one in alone]
    assert fractions[len(alone) :] == [(1 + one.fraction) / 2 for one in alone]
    assert all(one.seconds_left >= 0 for one in seen)


def test_training_can_start_from_weights_of_before(examples):
    before, _ = fitted(examples, ensemble=2)
    still = replace(SHORT, learning_rate=1e-30)
    after, _ = fitted(examples, still, ensemble=2, start=before)
    for name, value in before.state_dict().items():
        torch.testing.assert_close(after.state_dict()[name], value)

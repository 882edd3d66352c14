"""The recursive network against rolling forward by hand, each time from the beginning of the look-back."""

import pytest
import torch

from unrolled.nn import CELLS, GRUCell, LSTMCell
from unrolled.series.models import Sizes
from unrolled.series.models.losses import criterion

SIZES = Sizes(horizon=4, targets=2, past=2, known=1, static=1)
CELL = pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)


def one_step(model, x, known_next, static, reference):
    """From what was observed of one row, (time, channel), the channels not known ahead of the step after it."""
    s, rnn = model.sizes, model.rnn.cells[0]
    state = rnn.initial_state(1)
    for step in x:
        read = torch.cat([step[: s.unknown] - reference, step[s.unknown :], static])
        h, state = rnn(read[None], state)
    change = model.head(h[0])
    if s.known:
        effect = model.known
        change = change + effect.out((effect.from_state(h[0]) + effect.from_known(known_next)).tanh())
    return change


@CELL
def test_it_reads_its_own_forecasts_and_the_truth_of_what_is_known(cell, windows, shaken):
    model, batch = shaken("recursive", cell, SIZES), windows(SIZES)
    said = model(batch.past, batch.known, batch.static)
    assert said.shape == (4, 4, 2, 1)
    for row in range(4):
        x, reference = batch.past[row], batch.past[row, -1, :4]
        for k in range(4):
            following = x[-1, :4] + one_step(model, x, batch.known[row, k], batch.static[row], reference)
            torch.testing.assert_close(said[row, k, :, 0], following[:2], rtol=0, atol=1e-12)
            x = torch.cat([x, torch.cat([following, batch.known[row, k]])[None]])


def test_the_middle_level_is_fed_back(windows, shaken):
    for levels in (3, 4):
        sizes = Sizes(horizon=2, levels=levels)
        model, batch = shaken("recursive", GRUCell, sizes), windows(sizes)
        first, second = model(batch.past)[0, :, 0]
        middle = first[1] if levels == 3 else (first[1] + first[2]) / 2
        x = torch.cat([batch.past[0], middle.view(1, 1)])
        change = one_step(model, x, None, batch.static[0], batch.past[0, -1])
        torch.testing.assert_close(second, (middle + change).sort().values, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("horizon", "lookback", "m"), [(1, 7, 0), (2, 7, 1), (4, 7, 3), (9, 7, 3), (9, 1, 0), (3, 2, 1)]
)
def test_training_is_one_step_ahead_inside_the_look_back_and_at_its_end(horizon, lookback, m, windows, shaken):
    sizes = Sizes(horizon=horizon, targets=2, past=2, known=1, static=1)
    model, batch = shaken("recursive", LSTMCell, sizes), windows(sizes, batch=3, lookback=lookback)
    errors, covariates = [], []
    for row in range(3):
        x, static = batch.past[row], batch.static[row]
        reference = x[lookback - 1 - m, :4]
        for t in range(lookback - m, lookback + 1):  # the step that is said
            inside = t < lookback
            known = x[t, 4:] if inside else batch.known[row, 0]
            said = x[t - 1, :4] + one_step(model, x[:t], known, static, reference)
            errors += (said[:2] - (x[t, :2] if inside else batch.future[row, 0])).abs().tolist()
            if inside:
                covariates += (said[2:] - x[t, 2:4]).abs().tolist()
    expected = sum(errors) / len(errors)
    if m:
        expected += sum(e * e / 2 if e <= 1 else e - 0.5 for e in covariates) / len(covariates)
    assert model.loss(batch, criterion("mae")).item() == pytest.approx(expected, rel=1e-12)


def test_no_training_forecast_sees_what_it_has_to_say(windows, shaken):
    """A later value, in the look-back or of a covariate beyond it, moves no forecast of an earlier step."""
    model, batch = shaken("recursive", GRUCell, SIZES), windows(SIZES)
    said = []

    def keep(forecast, _):
        said.append(forecast)
        return forecast.sum()

    model.loss(batch, keep)
    for t in range(4, 7):  # of seven; the first to be said is step 4, the one at the end is step 7
        past = batch.past.clone()
        past[:, t:, :4] += 1.0
        past[:, t + 1 :, 4:] += 1.0
        model.loss(batch._replace(past=past), keep)
        assert torch.equal(said[0][:, : t - 3], said[-1][:, : t - 3]), t
        assert not torch.equal(said[0][:, t - 3], said[-1][:, t - 3]), t
    model.loss(batch._replace(known=batch.known + 1.0, future=batch.future + 1.0), keep)
    assert torch.equal(said[0][:, :3], said[-1][:, :3])

"""What holds for all four strategies, with every cell."""

import re
from dataclasses import replace
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import CELLS, RNN, GRUCell, LSTMCell
from unrolled.series.models import STRATEGIES, Sizes, build, forecast
from unrolled.series.models.losses import LOSSES, criterion
from unrolled.series.windows.batch import Batch


class LeakyState(NamedTuple):
    h: Tensor


class LeakyCell(nn.Module):
    """A cell that is not ours: a leaky mean of what it read."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.mix = nn.Linear(input_size, hidden_size)

    def initial_state(self, batch: int) -> LeakyState:
        return LeakyState(self.mix.weight.new_zeros(batch, self.mix.out_features))

    def forward(self, x: Tensor, state: LeakyState) -> tuple[Tensor, LeakyState]:
        h = 0.7 * state.h + 0.3 * self.mix(x).tanh()
        return h, LeakyState(h)


ALL = {
    "multi-output": {},
    "recursive": {},
    "direct": {},
    "seq2seq": {},
    "seq2seq, attention": {"attention": "scaled-dot"},
}
STRATEGY = pytest.mark.parametrize("strategy", STRATEGIES)
KIND = pytest.mark.parametrize(
    ("strategy", "about"), [(n.partition(",")[0], about) for n, about in ALL.items()], ids=ALL
)
CELL = pytest.mark.parametrize("cell", [*CELLS.values(), LeakyCell], ids=[*CELLS, "own"])
FULL = Sizes(horizon=4, targets=2, past=2, known=2, static=2, levels=3)
PINBALL = criterion("quantile", (0.1, 0.5, 0.9))


@KIND
@CELL
def test_untrained_every_level_of_every_step_is_the_naive_forecast_bit_for_bit(strategy, about, cell, windows):
    model, batch = build(strategy, cell, FULL, 5, layers=2, dropout=0.5, **about), windows(FULL, dtype=torch.float32)
    said = model(batch.past, batch.known, batch.static)
    assert torch.equal(said, batch.past[:, -1:, :2, None].expand(4, 4, 2, 3))


@CELL
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_at_horizon_1_all_agree_before_during_and_after_training(cell, dropout, windows):
    sizes = Sizes(horizon=1)
    courses = []
    for strategy in STRATEGIES:
        torch.manual_seed(7)
        model = build(strategy, cell, sizes, 5, layers=2, dropout=dropout).double()
        optimizer, course = torch.optim.Adam(model.parameters(), 0.05), []
        for seed in range(5):
            batch = windows(sizes, seed=seed)
            optimizer.zero_grad()
            model.loss(batch, criterion("mae")).backward()
            optimizer.step()
            course.append(forecast(model, [batch]))
        courses.append(torch.stack(course))
    assert (courses[0][1:] - courses[0][:-1]).abs().min() > 1e-4  # it did move
    assert all(torch.equal(courses[0], course) for course in courses[1:])


@KIND
@settings(max_examples=15)
@given(seed=st.integers(0, 999), cell=st.sampled_from([*CELLS.values(), LeakyCell]))
def test_neither_order_nor_neighbours_matter(strategy, about, seed, cell, windows, shaken):
    model, batch = shaken(strategy, cell, FULL, seed=seed, **about), windows(FULL, batch=6, seed=seed)
    whole = model(*batch[:3])
    order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    shuffled = model(*(part[order] for part in batch[:3]))
    torch.testing.assert_close(shuffled, whole[order], rtol=0, atol=1e-10)
    for row in range(6):
        alone = model(*(part[row : row + 1] for part in batch[:3]))
        torch.testing.assert_close(alone, whole[row : row + 1], rtol=0, atol=1e-10)


@KIND
@settings(max_examples=15)
@given(shift=st.floats(-100, 100), seed=st.integers(0, 99), cell=st.sampled_from([*CELLS.values(), LeakyCell]))
def test_a_shift_of_a_target_shifts_its_forecast_by_as_much(strategy, about, shift, seed, cell, windows, shaken):
    model, batch = shaken(strategy, cell, FULL, **about), windows(FULL, seed=seed)
    up = batch.past.clone()
    up[..., 1] += shift  # the second target
    up[..., 2] -= shift  # a past covariate, of which the level says nothing
    expected = model(*batch[:3]) + torch.tensor([[0.0], [shift]], dtype=torch.float64)
    torch.testing.assert_close(model(up, batch.known, batch.static), expected, rtol=0, atol=1e-9)


@KIND
@CELL
def test_what_is_known_of_a_later_step_never_changes_an_earlier_one(strategy, about, cell, windows, shaken):
    model, batch = shaken(strategy, cell, FULL, **about), windows(FULL)
    before = model(*batch[:3])
    for k in range(4):
        known = batch.known.clone()
        known[:, k] += 1.0
        after = model(batch.past, known, batch.static)
        assert torch.equal(before[:, :k], after[:, :k])
        assert ((before[:, k] - after[:, k]).abs() > 1e-6).all()  # its own step reads it


@KIND
@CELL
def test_static_covariates_are_read(strategy, about, cell, windows, shaken):
    model, batch = shaken(strategy, cell, FULL, **about), windows(FULL)
    assert ((model(*batch[:3]) - model(*batch[:2], batch.static + 1.0)).abs() > 1e-7).any(dim=-1).all()


@KIND
@pytest.mark.parametrize("name", LOSSES)
def test_what_was_not_observed_changes_nothing_and_no_gradient_is_nan(strategy, about, name, windows, shaken):
    sizes = FULL if name == "quantile" else replace(FULL, levels=1)
    loss = PINBALL if name == "quantile" else criterion(name)
    model, batch = shaken(strategy, LSTMCell, sizes, **about), windows(sizes)
    batch.future[0, 0, 0] = batch.future[1, 2] = batch.future[2] = torch.nan
    value = model.loss(batch, loss)
    value.backward()
    assert value.isfinite()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
        assert (parameter.grad != 0).any()


@KIND
@settings(max_examples=15)
@given(seed=st.integers(0, 999), levels=st.integers(1, 5))
def test_levels_never_cross(strategy, about, seed, levels, windows, shaken):
    sizes = replace(FULL, levels=levels)
    batch = windows(sizes, seed=seed)
    said = shaken(strategy, GRUCell, sizes, seed=seed, **about)(*batch[:3])
    assert said.shape == (4, 4, 2, levels)
    assert (said.diff(dim=-1) >= 0).all()


@KIND
@CELL
def test_fast_paths_and_loops_say_the_same(strategy, about, cell, windows, shaken):
    model, batch = shaken(strategy, cell, FULL, layers=2, **about), windows(FULL)
    loss = model.loss(batch, PINBALL)
    fast = model(*batch[:3])
    for rnn in model.modules():
        if isinstance(rnn, RNN):
            rnn.fused = False
    torch.testing.assert_close(model(*batch[:3]), fast, rtol=0, atol=1e-10)
    torch.testing.assert_close(model.loss(batch, PINBALL), loss, rtol=0, atol=1e-10)


@KIND
def test_forecasting_is_without_dropout_and_gradient_and_leaves_the_mode(strategy, about, windows, shaken):
    model, batch = shaken(strategy, LSTMCell, FULL, dropout=0.5, layers=2, **about), windows(FULL, batch=6)
    assert not torch.equal(model(*batch[:3]), model(*batch[:3]))
    parts = [type(batch)(*(part[rows] for part in batch)) for rows in (slice(0, 4), slice(4, 6))]
    ahead = forecast(model.train(), parts)
    assert model.training
    assert torch.equal(ahead, forecast(model.eval(), iter(parts)))
    assert not model.training
    assert ahead.is_inference()
    assert ahead.dtype == torch.float32
    torch.testing.assert_close(ahead, model(*batch[:3]).detach().float())


@KIND
def test_every_strategy_learns_what_covariates_say(strategy, about):
    """The target follows yesterday's known covariate and today's by a bend: no level or slope of its own says it."""
    torch.manual_seed(0)
    sizes = Sizes(horizon=3, known=1)
    model = build(strategy, GRUCell, sizes, 16, **about)
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    generator = torch.Generator().manual_seed(0)

    def draw(rows):
        known = torch.randn(rows, 9, 1, generator=generator)
        target = known.abs() + 0.1 * torch.randn(rows, 9, 1, generator=generator)
        nothing = torch.zeros(rows, 1)
        past = torch.cat([target, known], dim=2)[:, :6]
        return Batch(past, known[:, 6:], nothing[:, :0], target[:, 6:], nothing, nothing + 1)

    for step in range(150):
        model.progress(step / 150)
        optimizer.zero_grad()
        model.loss(draw(64), criterion("huber")).backward()
        optimizer.step()
    test = draw(500)
    error = (forecast(model, [test])[..., 0] - test.future).abs().mean(dim=(0, 2))
    naive = (test.past[:, -1:, :1] - test.future).abs().mean(dim=(0, 2))
    assert (error < 0.5 * naive).all(), (error, naive)


@KIND
def test_a_state_dict_goes_into_a_fresh_network_built_without_memory(strategy, about, windows, shaken):
    model, batch = shaken(strategy, LSTMCell, FULL, **about), windows(FULL)
    with torch.device("meta"):
        twin = build(strategy, LSTMCell, FULL, 5, **about)
    twin.load_state_dict(model.state_dict(), assign=True)
    assert torch.equal(twin(*batch[:3]), model(*batch[:3]))


@STRATEGY
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"past": torch.zeros(4, 7, 5)},
            "this network reads look-backs of (batch, lookback, channel) with 6 channels (targets 2, past 2, known 2), "
            "got (4, 7, 5); select the columns it was built for",
        ),
        (
            {"past": torch.zeros(7, 6)},
            "this network reads look-backs of (batch, lookback, channel) with 6 channels (targets 2, past 2, known 2), "
            "got (7, 6); select the columns it was built for",
        ),
        (
            {"known": torch.zeros(4, 3, 2)},
            "this network reads what is known ahead as (batch, horizon, known) = (4, 4, 2), got (4, 3, 2); give the "
            "covariates known ahead for each step of the horizon",
        ),
        (
            {"known": None},
            "this network reads what is known ahead as (batch, horizon, known) = (4, 4, 2), got (4, 4, 0); give the "
            "covariates known ahead for each step of the horizon",
        ),
        (
            {"static": None},
            "this network reads static covariates as (batch, static) = (4, 2), got (4, 0); give one row of them a "
            "window",
        ),
    ],
)
def test_inputs_that_do_not_fit_are_refused(strategy, change, message, windows):
    model, batch = build(strategy, GRUCell, FULL, 3), windows(FULL, dtype=torch.float32)._replace(**change)
    for run in (lambda: model(*batch[:3]), lambda: model.loss(batch, PINBALL)):
        with pytest.raises(ShapeError, match=f"^{re.escape(message)}$"):
            run()


@STRATEGY
def test_without_columns_known_and_static_may_be_left_out(strategy, windows, shaken):
    sizes = Sizes(horizon=3, past=1)
    model, batch = shaken(strategy, GRUCell, sizes), windows(sizes)
    assert torch.equal(model(batch.past), model(*batch[:3]))


@pytest.mark.parametrize(
    ("name", "about", "message"),
    [
        ("recursiv", {}, "unknown strategy 'recursiv'; nearest: 'recursive'"),
        ("direct", {"attention": "dot"}, "attention is for the strategy 'seq2seq', got 'direct'; leave it out"),
        (
            "multi-output",
            {"teacher_forcing": 0.0},
            "teacher_forcing is for the strategy 'seq2seq', got 'multi-output'; leave it out",
        ),
        ("recursive", {"schedule": "x"}, "schedule is for the strategy 'seq2seq', got 'recursive'; leave it out"),
    ],
)
def test_strategies_that_there_are_not_are_refused(name, about, message):
    with pytest.raises(SettingsError, match=f"^{re.escape(message)}$"):
        build(name, GRUCell, FULL, 3, **about)


@pytest.mark.parametrize(
    ("name", "least"), [("horizon", 1), ("targets", 1), ("past", 0), ("known", 0), ("static", 0), ("levels", 1)]
)
def test_sizes_that_cannot_be_are_refused(name, least):
    with pytest.raises(SettingsError, match=f"^{name} must be at least {least}, got {least - 1}$"):
        Sizes(**{"horizon": 1, name: least - 1})

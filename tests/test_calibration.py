"""What is measured before a training: threads, and whether to compile. A planted clock stands for the machine's."""

import pytest
import torch
from torch import Tensor, nn

from unrolled import calibration
from unrolled.calibration import compiling_pays, fastest_threads, loops
from unrolled.errors import SettingsError
from unrolled.nn import RNN, LSTMCell
from unrolled.nn import rnn as rnn_module
from unrolled.nn.unroll import loop
from unrolled.training import TrainingSettings, train


class PlainCell(LSTMCell):
    """Steps of its own, so that no kernel knows them."""

    def forward(self, x, state):
        return super().forward(x, state)


class Machine:
    """A clock that a loss advances: by ``slow`` seconds where networks loop, by ``fast`` where they run compiled."""

    def __init__(self, monkeypatch, slow: float, fast: float, breaks: bool = False):
        self.now, self.slow, self.fast, self.calls = 0.0, slow, fast, 0
        monkeypatch.setattr(calibration.time, "perf_counter", lambda: self.now)

        def compiled(*arguments):
            if breaks:
                raise SettingsError("no compiler")
            return loop(*arguments)

        monkeypatch.setattr(rnn_module, "compiled_loop", compiled)
        self.model = RNN(PlainCell, 2, 3)

    def loss(self, index: Tensor) -> Tensor:
        self.calls += 1
        self.now += self.fast if self.model.fused else self.slow
        return self.model(torch.ones(len(index), 4, 2))[0].sum()


@pytest.mark.parametrize(
    ("slow", "fast", "steps", "seconds", "breaks", "pays"),
    [
        (1.0, 0.5, 1000, float("inf"), False, True),
        (1.0, 1.5, 1000, float("inf"), False, False),  # compiled is slower
        (1.0, 0.5, 100, float("inf"), False, False),  # over before it pays: 100 seconds
        (1.0, 0.5, float("inf"), 100.0, False, False),
        (1.0, 0.5, float("inf"), 180.0, False, True),
        (1.0, 0.5, 1000, float("inf"), True, False),  # can't be compiled
    ],
)
def test_compiling_is_chosen_where_it_pays(monkeypatch, slow, fast, steps, seconds, breaks, pays):
    machine = Machine(monkeypatch, slow, fast, breaks)
    assert compiling_pays(machine.model, machine.loss, torch.arange(2), steps, seconds) is pays
    assert machine.model.fused is None
    assert all(p.grad is None for p in machine.model.parameters())


def test_nothing_is_measured_for_networks_with_a_kernel_or_a_choice_of_their_own():
    model = nn.ModuleList([RNN(LSTMCell, 2, 3), RNN(PlainCell, 2, 3, fused=False), nn.LSTM(2, 3)])
    assert loops(model) == []
    assert compiling_pays(model, lambda _: pytest.fail("it ran"), torch.arange(2), 1e9, 1e9) is False
    assert loops(nn.ModuleList([RNN(PlainCell, 2, 3)])) != []


def test_a_resumed_training_keeps_what_was_decided(monkeypatch, tmp_path):
    machine = Machine(monkeypatch, 1.0, 0.5)
    monkeypatch.setattr(calibration, "COMPILING_PAYS", 0)
    path = tmp_path / "state"
    settings = TrainingSettings(epochs=1, threads=1, batch_size=2)
    assert train(machine.model, machine.loss, 4, None, settings, checkpoint=path).compiled is True
    assert machine.model.fused is None
    seen = []
    monkeypatch.setattr("unrolled.training.compiling_pays", lambda *_: pytest.fail("it was measured again"))

    def loss(index: Tensor) -> Tensor:
        seen.append(machine.model.fused)
        return machine.loss(index)

    more = TrainingSettings(epochs=2, threads=1, batch_size=2)
    assert train(machine.model, loss, 4, None, more, checkpoint=path).compiled is True
    assert seen == [True, True]


def test_the_faster_number_of_threads_is_taken(monkeypatch):
    most, threads = 4, []
    monkeypatch.setattr(torch, "get_num_threads", lambda: most)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    for quick in (1, most):
        now = [0.0]
        monkeypatch.setattr(calibration.time, "perf_counter", lambda now=now: now[0])

        def loss(index: Tensor, quick: int = quick, now: list[float] = now) -> Tensor:
            now[0] += 1.0 if threads[-1] == quick else 2.0
            return torch.zeros((), requires_grad=True) * 1

        assert fastest_threads(loss, torch.arange(2)) == quick

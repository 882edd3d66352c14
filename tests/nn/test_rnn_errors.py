"""What RNN says to inputs, states and settings that can't be."""

import pytest
import torch

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import RNN, LSTMCell, LSTMState

PATHS = pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])
STATE = (LSTMState(torch.zeros(2, 5), torch.zeros(2, 5)),)


@PATHS
@pytest.mark.parametrize(
    ("x", "state", "message"),
    [
        (torch.zeros(2, 7, 4), None, r"with 3 features a step, got \(2, 7, 4\); build it with input_size=4, or select"),
        (torch.zeros(7, 3), None, r"reads \(batch, time, feature\) .* got \(7, 3\); add an axis"),
        (torch.zeros(0, 7, 3), None, r"at least one row and one time step, got \(0, 7, 3\): no batch"),
        (torch.zeros(2, 0, 3), None, r"at least one row and one time step, got \(2, 0, 3\): no time"),
        (
            torch.zeros(2, 7, 3, dtype=torch.int64),
            None,
            r"reads real numbers, got torch\.int64; convert .* \.float\(\)",
        ),
        (torch.zeros(2, 7, 3).double(), None, r"computes in torch\.float32, got an input of torch\.float64"),
        (
            torch.zeros(4, 7, 3),
            STATE,
            r"layer 0 must be LSTMState with .*\(4, 5\).*got \[\(2, 5\), \(2, 5\)\]; init",
        ),
        (torch.zeros(2, 7, 3), STATE * 2, r"must be a tuple of 1, one LSTMState a layer, got tuple of 2"),
        (torch.zeros(2, 7, 3), torch.zeros(1, 2, 5), r"must be a tuple of 1, one LSTMState a layer, got Tensor"),
        (torch.zeros(2, 7, 3), (torch.zeros(2, 5),), r"state of layer 0 must be LSTMState, got Tensor"),
    ],
)
def test_wrong_input_says_what_came_and_what_to_do(fused, x, state, message):
    with pytest.raises(ShapeError, match=message) as caught:
        RNN(LSTMCell, 3, 5, fused=fused)(x, state)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be at least 1, got 0"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"layers": 2, "dropout": 1.0}, r"dropout must be at least 0 and below 1, got 1\.0"),
        ({"dropout": 0.5}, r"acts between layers: with layers=1, dropout=0\.5 would do nothing"),
        ({"cell": "lstm"}, "cell must be a class such as LSTMCell, got 'lstm'; cell_named finds one"),
        ({"cell": torch.nn.Linear, "fused": True}, "Linear has no fused kernel; leave out fused=True"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        RNN(**{"cell": LSTMCell, "input_size": 3, "hidden_size": 5, **settings})

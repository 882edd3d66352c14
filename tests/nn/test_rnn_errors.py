"""What RNN says to inputs, states and settings that can't be."""

from functools import partial

import numpy as np
import pytest
import torch

from unrolled.errors import SettingsError, ShapeError
from unrolled.nn import RNN, ElmanCell, GRUState, LSTMCell, LSTMState

PATHS = pytest.mark.parametrize("fused", [None, False], ids=["fused", "loop"])
LAYER = LSTMState(torch.zeros(2, 5), torch.zeros(2, 5))
STATE = (LAYER,)


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
        (torch.zeros(2, 7, 3), LAYER.h, r"must be a tuple of 1, one LSTMState a layer, got Tensor of 2"),
        (torch.zeros(2, 7, 3), 0.0, r"must be a tuple of 1, one LSTMState a layer, got float"),
        (torch.zeros(2, 7, 3), (torch.zeros(2, 5),), r"state of layer 0 must be LSTMState, got Tensor"),
        (torch.zeros(2, 7, 3), (GRUState(torch.zeros(2, 5)),), r"state of layer 0 must be LSTMState, got GRUState"),
        (torch.zeros(2, 7, 3), ((LAYER, LAYER),), r"state of layer 0 must be LSTMState, got tuple"),
    ],
)
def test_wrong_input_says_what_came_and_what_to_do(fused, x, state, message):
    with pytest.raises(ShapeError, match=message) as caught:
        RNN(LSTMCell, 3, 5, fused=fused)(x, state)
    assert "\n" not in str(caught.value)


SMALL = LSTMState(torch.zeros(2, 4), torch.zeros(2, 5))


@PATHS
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ((LAYER, LAYER), "the state of layer 0 must be a pair of LSTMState, got LSTMState"),
        (((LAYER, LAYER),), "the state must be a tuple of 2, one pair of LSTMState a layer, got tuple of 1"),
        ((LAYER,) * 4, "the state must be a tuple of 2, one pair of LSTMState a layer, got tuple of 4"),
        (((LAYER, LAYER), (LAYER,)), "the state of layer 1 must be a pair of LSTMState, got tuple"),
        (((LAYER, LAYER), (LAYER.h, LAYER.c)), "the state of layer 1 must be LSTMState, got Tensor"),
        (
            ((LAYER, LAYER), (LAYER, SMALL)),
            "the state of layer 1 must be LSTMState with leaves of shape [(2, 5), (2, 5)], got [(2, 4), (2, 5)]; "
            "initial_state(2) makes one",
        ),
    ],
)
def test_a_wrong_state_of_both_directions_says_what_came(fused, state, message):
    with pytest.raises(ShapeError) as caught:
        RNN(LSTMCell, 3, 5, layers=2, bidirectional=True, fused=fused)(torch.zeros(2, 7, 3), state)
    assert str(caught.value) == message


@PATHS
@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([7, 8], "a length can't exceed the 7 steps of the time axis, got 8 in row 1"),
        ([0, 7], "a length must be at least 1, got 0 in row 0; leave out rows without a step"),
        ([7, -2], "a length must be at least 1, got -2 in row 1; leave out rows without a step"),
        ([7, 7, 7], "lengths must be 2 whole numbers, one a row, got torch.int64 of shape (3,)"),
        ([7.0, 6.0], "lengths must be 2 whole numbers, one a row, got torch.float32 of shape (2,)"),
        ([True, True], "lengths must be 2 whole numbers, one a row, got torch.bool of shape (2,)"),
        (torch.ones(2, 1).long(), "lengths must be 2 whole numbers, one a row, got torch.int64 of shape (2, 1)"),
        (7, "lengths must be 2 whole numbers, one a row, got torch.int64 of shape ()"),
        ("7 7", "lengths must be 2 whole numbers, one a row, got '7 7'"),
        ([[7], [6, 5]], "lengths must be 2 whole numbers, one a row, got [[7], [6, 5]]"),
    ],
)
def test_lengths_that_cannot_be_say_what_came(fused, lengths, message):
    with pytest.raises(ShapeError) as caught:
        RNN(LSTMCell, 3, 5, fused=fused)(torch.zeros(2, 7, 3), lengths=lengths)
    assert str(caught.value) == message


@PATHS
@pytest.mark.parametrize("lengths", [[7, 3], (7, 3), np.array([7, 3], dtype=np.int32), torch.tensor([7, 3]).byte()])
def test_whole_numbers_of_every_kind_will_do(fused, lengths):
    rnn, x = RNN(LSTMCell, 3, 5, fused=fused), torch.randn(2, 7, 3)
    assert torch.equal(rnn(x, lengths=lengths)[0], rnn(x, lengths=torch.tensor([7, 3]))[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden_size": 0}, "hidden_size must be at least 1, got 0"),
        ({"layers": 0}, "layers must be at least 1, got 0"),
        ({"layers": 2, "dropout": 1.0}, r"dropout must be at least 0 and below 1, got 1\.0"),
        ({"dropout": 0.5}, r"acts between layers: with layers=1, dropout=0\.5 would do nothing"),
        ({"cell": "lstm"}, "cell must be a class such as LSTMCell, got 'lstm'; cell_named finds one"),
        ({"cell": partial(ElmanCell, nonlinearity="rely")}, "unknown nonlinearity 'rely'; nearest: 'relu'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(SettingsError, match=message):
        RNN(**{"cell": LSTMCell, "input_size": 3, "hidden_size": 5, **settings})

"""Lengths, masks and states: laws against plain Python, and the errors' texts."""

from typing import NamedTuple

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from unrolled.errors import ShapeError
from unrolled.shapes import check_lengths, detach, last, mask, reverse

ROWS = st.integers(1, 7).flatmap(
    lambda time: st.tuples(st.just(time), st.lists(st.integers(1, time), min_size=1, max_size=4))
)


@given(ROWS)
def test_mask_reverse_and_last_are_those_of_lists(rows):
    time, lengths = rows
    numbers = [[10 * row + t for t in range(time)] for row in range(len(lengths))]
    x, n = torch.tensor(numbers), torch.tensor(lengths)
    assert mask(n, time).tolist() == [[t < length for t in range(time)] for length in lengths]
    expected = [row[:length][::-1] + row[length:] for row, length in zip(numbers, lengths, strict=True)]
    assert reverse(x, n).tolist() == expected
    assert reverse(reverse(x, n), n).tolist() == numbers
    assert reverse(x).tolist() == [row[::-1] for row in numbers]
    assert last(x, n).tolist() == [row[length - 1] for row, length in zip(numbers, lengths, strict=True)]
    assert last(x).tolist() == [row[-1] for row in numbers]


@given(ROWS)
def test_further_axes_go_along(rows):
    time, lengths = rows
    x, n = torch.randn(len(lengths), time, 2, 3), torch.tensor(lengths)
    for turned, flat in ((reverse(x, n), reverse(x[..., 1, 2], n)), (last(x, n), last(x[..., 1, 2], n))):
        assert torch.equal(turned[..., 1, 2], flat)
    assert reverse(x, n).shape == x.shape


@given(ROWS, st.sampled_from([torch.int64, torch.int32, torch.uint8, torch.int16]))
def test_lengths_come_back_as_long(rows, dtype):
    time, lengths = rows
    for given_as in (lengths, tuple(lengths), torch.tensor(lengths, dtype=dtype)):
        checked = check_lengths(given_as, len(lengths), time)
        assert checked.dtype == torch.int64
        assert checked.tolist() == lengths
    assert check_lengths(lengths, len(lengths), time, "meta").device.type == "meta"


@pytest.mark.parametrize(
    ("lengths", "batch", "message"),
    [
        ([3, 5, 2], 3, "a length can't exceed the 4 steps of the time axis, got 5 in row 1"),
        ([3, 4, 0], 3, "a length must be at least 1, got 0 in row 2; leave out rows without a step"),
        ([3, 4], 3, "lengths must be 3 whole numbers, one a row, got torch.int64 of shape (2,)"),
        ([1.0], 1, "lengths must be 1 whole numbers, one a row, got torch.float32 of shape (1,)"),
        ([True], 1, "lengths must be 1 whole numbers, one a row, got torch.bool of shape (1,)"),
        ([1j], 1, "lengths must be 1 whole numbers, one a row, got torch.complex64 of shape (1,)"),
        (["2"], 1, "lengths must be 1 whole numbers, one a row, got ['2']"),
        ([], 0, "lengths need at least one row, got an empty batch"),
        (torch.empty(0, dtype=torch.int64), 0, "lengths need at least one row, got an empty batch"),
    ],
)
def test_lengths_that_cannot_be_say_what_came(lengths, batch, message):
    with pytest.raises(ShapeError) as caught:
        check_lengths(lengths, batch, 4)
    assert str(caught.value) == message


class Pair(NamedTuple):
    h: torch.Tensor
    c: torch.Tensor


def test_detach_cuts_every_leaf_and_keeps_the_kind():
    a = torch.ones(2, requires_grad=True)
    state = ((Pair(a * 2, a * 3), Pair(a, a)), [a * 4, None])
    cut = detach(state)
    assert type(cut) is tuple
    assert type(cut[0][1]) is Pair
    assert type(cut[1]) is list
    assert cut[1][1] is None
    for leaf, value in ((cut[0][0].h, 2), (cut[0][0].c, 3), (cut[1][0], 4)):
        assert not leaf.requires_grad
        assert leaf.tolist() == [value, value]
    assert detach(None) is None
    assert state[0][0].h.requires_grad, "the state that was given is as it was"


def test_a_state_of_something_else_is_refused():
    with pytest.raises(ShapeError) as caught:
        detach((torch.ones(1), {"h": 1}))
    assert str(caught.value) == "a state is made of tensors in tuples, got dict"

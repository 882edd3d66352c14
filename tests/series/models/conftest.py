"""Windows drawn at random, and networks whose heads have been anywhere but at zero."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from unrolled.series.models import Network, Sizes, build
from unrolled.series.windows.batch import Batch


def _windows(sizes: Sizes, batch: int = 4, lookback: int = 7, seed: int = 0, dtype=torch.float64) -> Batch:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    return Batch(
        past=draw(batch, lookback, sizes.channels),
        known=draw(batch, sizes.horizon, sizes.known),
        static=draw(batch, sizes.static),
        future=draw(batch, sizes.horizon, sizes.targets),
        centre=draw(batch, sizes.targets),
        scale=draw(batch, sizes.targets).exp(),
    )


def _shaken(strategy: str, cell: type[nn.Module], sizes: Sizes, seed: int = 0, hidden: int = 5, **about) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(strategy, cell, sizes, hidden, **about).double()
        for name, parameter in model.named_parameters():
            if ".out." in name or "head." in name:
                nn.init.normal_(parameter, std=0.5)
    return model


@pytest.fixture(scope="session")
def windows() -> Callable[..., Batch]:
    """``windows(sizes, batch, lookback, seed, dtype)``: a batch in which nothing is missing."""
    return _windows


@pytest.fixture(scope="session")
def shaken() -> Callable[..., Network]:
    """``shaken(strategy, cell, sizes, seed, hidden, …)``: a network in float64, what starts at zero drawn at random."""
    return _shaken

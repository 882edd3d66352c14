"""The shape of a translation network as it stands in run.json."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from unrolled.errors import SettingsError, nearest
from unrolled.nn.attention import ATTENTIONS
from unrolled.nn.names import class_named
from unrolled.nn.seq2seq import Seq2Seq
from unrolled.nn.transformer import Transformer

MODELS = ("recurrent", "transformer")
MOST = {"layers": 1000}  # a claim in a file would else be built layer by layer


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """``model`` is "recurrent" or "transformer"; of the latter ``hidden`` is the size, and ``cell``, ``attention``
    and ``input_feeding`` stay what they are by default. ``attention`` None is the context vector alone.
    """

    model: str
    cell: str
    source_size: int
    target_size: int
    embedding: int
    hidden: int
    layers: int
    attention: str | None
    input_feeding: bool
    dropout: float

    def __post_init__(self):
        for name in ("source_size", "target_size", "hidden", "embedding", "layers"):
            value = getattr(self, name)
            most = MOST[name] if name in MOST else 2**31 - 1
            if type(value) is not int or not 1 <= value <= most:
                raise SettingsError(f"{name} has to be a whole number from 1 to {most:,}, got {str(value)[:40]}")
        if self.model not in MODELS:
            raise SettingsError(f"unknown model {str(self.model)[:40]!r}{nearest(str(self.model)[:40], MODELS)}")
        if self.attention is not None and str(self.attention) not in ATTENTIONS:
            named = str(self.attention)[:40]
            raise SettingsError(f"unknown attention {named!r}{nearest(named, ATTENTIONS)}")
        if not isinstance(self.cell, str) or not isinstance(self.input_feeding, bool):
            raise SettingsError(f"cell is a name, and input_feeding true or false, got {str(self)[:80]}")
        if self.model == "transformer" and (self.cell, self.attention, self.input_feeding) != ("lstm", "dot", False):
            raise SettingsError("cell, attention and input_feeding are for the recurrent model; leave them out")
        if isinstance(self.dropout, bool) or not isinstance(self.dropout, int | float) or not 0 <= self.dropout < 1:
            raise SettingsError(f"dropout has to be at least 0 and below 1, got {str(self.dropout)[:40]}")

    def build(self, cell: type[nn.Module] | None = None) -> Seq2Seq | Transformer:
        """A network of this shape with fresh weights; ``cell`` is the class of a cell of one's own."""
        if self.model == "transformer":
            return Transformer(
                self.source_size,
                self.target_size,
                size=self.hidden,
                heads=max(h for h in (1, 2, 4) if self.hidden % h == 0),
                layers=self.layers,
                dropout=self.dropout,
            )
        return Seq2Seq(
            class_named(self.cell, cell),
            self.source_size,
            self.target_size,
            embedding=self.embedding,
            hidden=self.hidden,
            layers=self.layers,
            attention=self.attention,
            input_feeding=self.input_feeding,
            dropout=self.dropout,
        )

    def check(self, cell: type[nn.Module] | None = None) -> None:
        """Raise what ``build`` would raise, and leave torch's random numbers where they are."""
        with torch.random.fork_rng(devices=[]):
            self.build(cell)

    def tables(self) -> dict[str, tuple[int, int]]:
        """The shapes of the weights that have every size but the number of layers in them."""
        if self.model == "transformer":
            return {"source.weight": (self.source_size, self.hidden), "target.weight": (self.target_size, self.hidden)}
        return {
            "source.weight": (self.source_size, self.embedding),
            "target.weight": (self.target_size, self.embedding),
            "combine.weight": (self.embedding, 2 * self.hidden),
        }

    @property
    def name(self) -> str:
        """What to call it in a table: LSTM with dot attention."""
        if self.model == "transformer":
            return "Transformer"
        looks = "the context vector alone" if self.attention is None else f"{self.attention} attention"
        return f"{self.cell.upper()} with {looks}" + (" and input feeding" if self.input_feeding else "")

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> "Architecture":
        """As it stands in run.json. Raises TypeError or SettingsError where it is something else."""
        return cls(**saved)

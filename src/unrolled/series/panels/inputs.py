"""What stands beside the targets, and when it is known: up to the present, ahead of it, or once and for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from unrolled.errors import SettingsError
from unrolled.series.panels.angles import angle_names
from unrolled.series.panels.calendar import calendar_names
from unrolled.series.reading.frequency import Frequency
from unrolled.series.words import listed, shown

Names = str | Sequence[str] | None


@dataclass(frozen=True)
class Inputs:
    """The columns beside the targets by their roles, and the channels that they become.

    ``past`` is known up to the present (None: to be chosen), ``future`` also ahead of it, ``static`` holds one value a
    series. ``angles`` are those of past and future in degrees, each two channels. ``calendar`` adds features of the
    time stamps to what is known ahead. ``masks`` are the columns with a channel that says where they were observed
    (None: to be found), ``categories`` the words of each static column that holds words.
    """

    past: tuple[str, ...] | None = None
    future: tuple[str, ...] = ()
    static: tuple[str, ...] = ()
    angles: tuple[str, ...] = ()
    calendar: bool = False
    masks: tuple[str, ...] | None = None
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def declared(
        cls,
        past: Names,
        future: Names,
        static: Names,
        angles: Names,
        calendar: bool,
        masks: Names,
        categories: Mapping[str, Sequence[str]] | None,
        target_only: bool,
    ) -> "Inputs":
        """What the options say. Naming any column of past, future or static turns the automatic choice off; an angle
        without another role is a past covariate. Errors: `SettingsError` for options that contradict.
        """
        named = {"past": past, "future": future, "static": static, "--angle": angles}
        given = {role: several(names) for role, names in named.items()}
        given["--angle"] = tuple(dict.fromkeys(given["--angle"]))
        if target_only and (some := [name for names in given.values() for name in names]):
            raise SettingsError(
                f"--only-target takes no inputs, and {listed(some)} are named as inputs; leave one of the two out"
            )
        angled = given["--angle"]
        if turning := [name for name in angled if name in given["static"]]:
            raise SettingsError(
                f"--angle {turning[0]}: a static column can't be an angle; leave --angle out, or give its sine and "
                "cosine as two static columns"
            )
        chosen = past is None and not given["future"] and not given["static"] and not target_only
        return cls(
            None if chosen else with_angles(given["past"], given["future"], angled),
            given["future"],
            given["static"],
            angled,
            bool(calendar),
            None if masks is None else several(masks),
            {name: tuple(words) for name, words in (categories or {}).items()},
        )

    def chosen(self, past: Iterable[str]) -> "Inputs":
        """The same with the past covariates that were chosen."""
        return replace(self, past=tuple(past))

    def past_channels(self) -> tuple[str, ...]:
        """The channels known up to the present: covariates, then the masks of targets and covariates."""
        masks = [observed_name(name) for name in self.masks or ()]
        return (*self.channels_of(self.past or ()), *masks)

    def known_channels(self, frequency: Frequency) -> tuple[str, ...]:
        """The channels known ahead: future covariates, then the calendar's."""
        return (*self.channels_of(self.future), *(calendar_names(frequency) if self.calendar else ()))

    def static_channels(self) -> tuple[str, ...]:
        """The static channels: numbers under their own names, words as one channel a category."""
        return tuple(channel for name in self.static for channel in self.static_of(name))

    def static_of(self, name: str) -> tuple[str, ...]:
        """The channels of one static column: "region=north", "region=south"."""
        return tuple(f"{name}={word}" for word in self.categories[name]) if name in self.categories else (name,)

    def channels_of(self, columns: Iterable[str]) -> tuple[str, ...]:
        """The channels that columns become, in their order: two for an angle."""
        return tuple(channel for name in columns for channel in (angle_names(name) if name in self.angles else (name,)))


def several(names: Names) -> tuple[str, ...]:
    """Names given as one or as several.

    >>> several("a"), several(["a", "b"]), several(None)
    (('a',), ('a', 'b'), ())
    """
    if names is None:
        return ()
    return tuple(map(str, names)) if isinstance(names, Iterable) and not isinstance(names, str) else (str(names),)


def with_angles(past: tuple[str, ...], future: tuple[str, ...], angles: tuple[str, ...]) -> tuple[str, ...]:
    """The past covariates with the angles that have no other role behind them."""
    return (*past, *(name for name in angles if name not in past and name not in future))


def observed_name(column: str) -> str:
    """The channel that says where a column was observed: 1 there, 0 where a value stands in."""
    return f"{column}_observed"


def refuse_same_names(channels: Sequence[str], static: Sequence[str]) -> None:
    """Refuse two channels of one name, such as a column hour_sin beside the calendar's. Errors: `SettingsError`."""
    seen: set[str] = set()
    for name in (*channels, *static):
        if name in seen:
            raise SettingsError(
                f"two inputs are named {shown(name)}: a column, and what an angle, the calendar, a mask or a category "
                "becomes; rename the column, or leave one of the two out"
            )
        seen.add(name)

"""Angles: a column in degrees as a sine and a cosine, since 359° is next to 1°."""

import re

import numpy as np

_WORDS = ("dir", "direction", "angle", "bearing", "heading", "azimuth")


def angle_names(column: str) -> tuple[str, str]:
    """The two channels of an angle.

    >>> angle_names("wind_dir")
    ('wind_dir_sin', 'wind_dir_cos')
    """
    return f"{column}_sin", f"{column}_cos"


def sine_cosine(degrees: np.ndarray) -> np.ndarray:
    """(sin θ, cos θ) of angles θ in degrees, (…, 2); NaN stays NaN.

    >>> sine_cosine(np.array([0.0, 90.0, 450.0])).round(9).tolist()
    [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]
    """
    turn = np.deg2rad(np.mod(degrees, 360.0))
    return np.stack([np.sin(turn), np.cos(turn)], axis=-1)


def like_an_angle(column: str, values: np.ndarray) -> bool:
    """Whether a column may be an angle that nobody declared: it is named like one, and lies in 0° … 360°, beyond 90°.

    >>> like_an_angle("wind_dir", np.array([0.0, 350.0])), like_an_angle("director", np.array([0.0, 350.0]))
    (True, False)
    """
    words = re.split(r"[^a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", column).lower())
    if not any(word.endswith(_WORDS) for word in words) or np.isnan(values).all():
        return False
    return bool(np.nanmin(values) >= 0 and 90 < np.nanmax(values) <= 360)

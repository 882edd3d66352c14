"""Where a table comes from: what an embedded data set knows of its columns, beside what is said of them."""

import pytest

from unrolled.series.panels.roles import Columns
from unrolled.series.panels.source import Source

AUTOMATIC = ("dewp", "humid", "wind_dir_sin", "wind_dir_cos", "wind_speed", "precip", "pressure", "visib")


@pytest.mark.parametrize(
    ("said", "inputs"),
    [
        ({}, AUTOMATIC),
        ({"past": ()}, ()),
        ({"past": ("dewp",)}, ("dewp",)),
        ({"past": ("wind_dir", "dewp")}, ("wind_dir_sin", "wind_dir_cos", "dewp")),
        ({"past": ("dewp",), "angles": ("wind_dir",)}, ("dewp", "wind_dir_sin", "wind_dir_cos")),
        ({"angles": ()}, tuple(dict.fromkeys(name.removesuffix("_sin") for name in AUTOMATIC if "_cos" not in name))),
    ],
)
def test_an_angle_of_the_weather_is_an_input_where_inputs_are_automatic_or_it_is_named(said, inputs):
    source = Source.open("weather")
    columns = source.with_defaults(Columns("temp", only=("JFK",), **said))
    assert columns.read(source.frame).channels == ("temp", *inputs)


def test_all_variables_of_the_weather_can_be_targets_at_once():
    source = Source.open("weather")
    targets = ("temp", "dewp", "humid", "wind_speed", "pressure", "precip", "visib")
    panel = source.with_defaults(Columns(targets)).read(source.frame)
    assert panel.names == ("EWR", "JFK", "LGA")
    assert panel.channels == (*targets, "wind_dir_sin", "wind_dir_cos")

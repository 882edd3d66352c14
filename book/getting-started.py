# %% [markdown]
"""
# Getting started: forecast the weather

On this page you train a recurrent network on a year of real weather, see how good its forecasts are beside four
simple methods, and forecast the 24 hours after the data ends. Then you do the same with a table of your own.

Every result in the text below comes from a cell on the page. To run it yourself you need what `make demo` installs,
and matplotlib for the pictures.
"""

# %% tags=["remove-cell"]
import time

from IPython.display import Markdown, display


def say(text: str) -> None:
    """Text whose numbers come from the cells."""
    display(Markdown(text))


# %% [markdown]
"""
## Look at the data

The package brings hourly weather at three New York airports, so that there is something to start with.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.dates import DateFormatter

import unrolled as ur

pl.Config.set_float_precision(2)

weather = ur.data.weather()
weather.select("origin", "time_hour", "temp", "dewp", "humid", "pressure").head()

# %% tags=["remove-input"]
first, last = weather["time_hour"].min(), weather["time_hour"].max()
airports = weather["origin"].unique().sort().to_list()
hours = int((last - first).total_seconds() / 3600) + 1
absent = len(airports) * hours - weather.height
no_pressure = weather["pressure"].null_count()
assert absent > 0
temp = weather.filter(pl.col("origin") == "JFK")["temp"].fill_null(strategy="forward")
half_day = temp.diff(12).fill_null(0).to_numpy()
rhythm = {lag: np.corrcoef(half_day[lag:], half_day[:-lag])[0, 1] for lag in (12, 24)}
assert (
    rhythm[24] > 0.3 > 0 > rhythm[12]
)  # the text below speaks of a rhythm of 24 hours
assert no_pressure > weather.height / 20

say(f"""
That is {weather.height:,} rows of {weather.width} columns: one row an hour for each airport ({", ".join(airports)}),
from {first:%-d %B} to {last:%-d %B %Y}, in UTC. Between the first hour and the last, **{absent} rows are absent**,
and {no_pressure:,} of those that are there lack the air pressure. Most real tables are like that, so look before you
train. Here is one week at JFK, with the absent hours put back in as missing values, so that the line breaks where
nothing is known:
""")

# %% mystnb={"image": {"alt": "A week of temperature at JFK: a daily rhythm, a slower drift, and two shaded gaps on 26 and 27 October"}}
jfk = weather.filter(pl.col("origin") == "JFK").upsample("time_hour", every="1h")
day = pl.col("time_hour").dt.date()
week = jfk.filter(day.is_between(pl.date(2013, 10, 24), pl.date(2013, 10, 30)))
gaps = week.filter(pl.col("temp").is_null())["time_hour"]

fig, ax = plt.subplots()
ax.plot(week["time_hour"], week["temp"])
for hour in gaps:
    ax.axvspan(hour, hour.replace(minute=59), color="C1", alpha=0.3, linewidth=0)
ax.set_ylim(top=66)
ax.text(gaps[-1].replace(hour=4), 63.5, f"{len(gaps)} hours without a row", color="C1")
ax.set_title("Temperature at JFK (°F), October 2013")
ax.xaxis.set_major_formatter(DateFormatter("%a %-d"))

# %% [markdown]
r"""
Two things catch the eye: a rhythm of 24 hours, and a slower drift over days that no rhythm explains. A forecast has
to get both right.

## A window: what is known, and what is asked

The network never sees the table as a whole. It sees **windows**: the last $L$ rows up to a moment $t$, the
*look-back*, and it is asked for the target column over the next $H$ steps, the *horizon*. With $\mathbf{x}_t$ for all
columns at hour $t$ and $y_t$ for the temperature,

$$
(\mathbf{x}_{t-L+1}, \dots, \mathbf{x}_t) \;\longmapsto\; (\hat y_{t+1}, \dots, \hat y_{t+H}),
\qquad L = 72,\quad H = 24 .
$$ (window)
"""

# %% mystnb={"image": {"alt": "One window: three days of temperature before a vertical line marked now, and the 24 hours after it that are asked for"}}
lookback, horizon = 72, 24
four_days = jfk.filter(day.is_between(pl.date(2013, 6, 10), pl.date(2013, 6, 13)))
assert len(four_days) == lookback + horizon
assert four_days["temp"].null_count() == 0
known, asked = four_days.head(lookback), four_days.tail(horizon)

fig, ax = plt.subplots(figsize=(6.4, 2.7))
ax.plot(known["time_hour"], known["temp"])
ax.plot(asked["time_hour"], asked["temp"], color="C1", linestyle=":")
ax.axvline(known["time_hour"][-1], color="gray", linewidth=1)
top = four_days["temp"].max() + 2.5
style = {"y": top, "ha": "center"}
ax.text(
    known["time_hour"][36], s=f"look-back: {lookback} hours known", color="C0", **style
)
ax.text(asked["time_hour"][12], s=f"horizon: {horizon} asked", color="C1", **style)
ax.set_ylim(top=top + 3)
ax.set_xticks(four_days["time_hour"].to_list()[::24])
ax.set_title("One window of the temperature at JFK (°F)")
ax.xaxis.set_major_formatter(DateFormatter("%-d June"))

# %% [markdown]
"""
The next window begins one hour later, and so on: a series of $n$ rows has $n - L - H + 1$ of them. On ten rows with
$L = 4$ and $H = 2$ you can check it by eye. The one mistake to avoid here is to be off by one: the first value asked
for is the one right after the last value known.
"""

# %%
rows = np.arange(10)
windows = np.lib.stride_tricks.sliding_window_view(rows, 4 + 2)
past, future = windows[:, :4], windows[:, 4:]

assert len(windows) == 10 - 4 - 2 + 1
assert (future[:, 0] == past[:, -1] + 1).all()
for before, after in zip(past, future):
    print(before, "->", after)

# %% [markdown]
"""
## Train

One call does the rest. It takes the first 70% of the calendar for training, the next 10% to decide when to stop, and
keeps the last 20% for the test; it learns the scaling from the training part alone, cuts windows, and trains an LSTM
on them. `fill="forward"` says what to do about gaps: carry the last known value on. (The other ways to fill are
`"linear"` and `"none"`. There is no default, because whatever you choose changes the forecast.)
"""

# %% tags=["remove-cell"]
started = time.process_time()

# %%
f = ur.Forecaster(horizon=24, cell="lstm").fit(
    weather,
    target="temp",
    time="time_hour",
    series="origin",
    fill="forward",
    angles=["wind_dir"],  # degrees, read as sine and cosine
)

# %% tags=["remove-input"]
seconds = time.process_time() - started
say(f"That took {seconds:.0f} seconds of CPU time.")

# %% [markdown]
"""
## Is it any good?

An error says little by itself. So the same test windows are also forecast by four methods that need no network:

- *naive* repeats the last known value;
- *seasonal naive* repeats the value of the same hour one day before;
- *drift* goes on along the line from the first value to the last;
- *linear autoregression* is a ridge regression on the same look-back, all columns of it, that the network reads.
"""

# %%
scores = f.evaluate()
scores

# %% [markdown]
"""
MAE (mean absolute error) and RMSE (root mean squared error) are in degrees Fahrenheit. MAPE and sMAPE are percentages
of the value, which means little for a temperature, whose zero is a convention. MASE is the MAE divided by that of
seasonal naive on the training part. *Skill* is what is gained on the best of the four: one minus the ratio of the two
MAEs, so that zero is a draw and a negative number is a loss.
"""

# %% mystnb={"image": {"alt": "Bars: the mean absolute error of each method, the network's emphasised"}} tags=["hide-input"]
mae = dict(scores.select("method", "MAE").iter_rows())
network = next(iter(mae))
colours = {method: f"C{i}" for i, method in enumerate(mae)}

fig, ax = plt.subplots(figsize=(6.4, 2.4))
ranked = sorted(mae, key=mae.__getitem__, reverse=True)
values = [mae[method] for method in ranked]
bars = ax.barh(ranked, values, color=[colours[method] for method in ranked], height=0.6)
ax.bar_label(bars, fmt="%.2f", padding=4)
ax.set_title("Mean absolute error on the test part, °F")
ax.spines["bottom"].set_visible(False)
ax.grid(visible=False)
ax.tick_params(left=False, bottom=False, labelbottom=False)

# %% tags=["remove-input"]
simple = min("naive", "seasonal naive", key=mae.__getitem__)
gain = 1 - mae[network] / mae[simple]
against = 1 - mae[network] / mae["linear autoregression"]
assert gain > 0.1
if against > 0.01:
    place = f"it is also {against:.1%} better than the linear autoregression"
elif against < -0.01:
    place = f"but its error is {-against:.1%} above that of the linear autoregression, which does better still"
else:
    place = f"and draws with the linear autoregression ({against:+.1%})"

say(f"""
The {network} misses by {mae[network]:.2f} °F on average. That is {gain:.0%} less than {simple}, the better of the two
that take no fitting; {place}. A network that only has to beat *naive* looks better than it is: this is why a linear
method with the same inputs stands beside it. And one training run is one sample: another seed gives another network,
and other numbers.
""")

# %% [markdown]
"""
### How far ahead?

The average hides that the next hour is easy and tomorrow is not:
"""

# %% mystnb={"image": {"alt": "Lines: the mean absolute error of each method by hours ahead, 1 to 24"}} tags=["hide-input"]
by_step = f.evaluate(by_step=True)
errors = {
    method: by_step.filter(pl.col("method") == method)["MAE"].to_list()
    for method in mae
}
assert errors[network][0] < errors[network][-1] / 3

fig, ax = plt.subplots()
ax.set_xlim(1, 34)
ax.set_ylim(0, 1.1 * max(max(error) for error in errors.values()))
ax.set_xticks([1, 6, 12, 18, 24])
ax.set_xlabel("hours ahead")
ax.set_title("Mean absolute error, °F")
label = -1.0
for method, error in sorted(errors.items(), key=lambda item: item[1][-1]):
    style = "--" if method == "drift" else "-"  # drift hides naive otherwise
    ax.plot(range(1, 25), error, style, color=colours[method])
    label = max(error[-1], label + 0.45)  # labels keep a distance
    ax.text(24.5, label, method, color=colours[method], va="center")

# %% [markdown]
"""
## The next 24 hours

Everything so far was a test: the future was known, and hidden from the network. `predict` forecasts what nobody knows
yet, the hours after the last row of each series.
"""

# %%
forecast = f.predict()
forecast.head()

# %% mystnb={"image": {"alt": "For each airport, the last three days of temperature, and dashed the forecast of the 24 hours after them"}} tags=["hide-input"]
fig, axes = plt.subplots(1, len(airports), sharey=True)
for ax, airport in zip(axes, airports):
    past = weather.filter(pl.col("origin") == airport).tail(72)
    future = forecast.filter(pl.col("origin") == airport)
    ax.plot(past["time_hour"], past["temp"])
    ax.plot(future["time_hour"], future["temp"], "--")
    ax.set_title(f"{airport}, °F")
    ax.set_xticks(future["time_hour"].to_list()[:1])
    ax.xaxis.set_major_formatter(DateFormatter("%-d %b %H:%M"))
    ax.text(past["time_hour"][8], future["temp"].min(), "measured", color="C0")
    ax.text(future["time_hour"][0], future["temp"].max() + 4, "forecast", color="C1")

# %% [markdown]
"""
## Keep it

A saved run is a folder: the weights, the settings, the scores, the last look-back and a report. It predicts later
without the data and without training, and gives the same numbers:
"""

# %%
f.save("runs/weather")
again = ur.load("runs/weather")

assert again.predict().equals(f.predict())
assert again.evaluate().equals(f.evaluate())

# %% [markdown]
"""
The report is one HTML file that opens without a network, to be looked at or sent on:
"""

# %%
f.report("weather.html")

# %% tags=["remove-cell"]
import re

with open("weather.html", encoding="utf-8") as file:
    assert not re.search(r'(src|href)="(https?:)?//', file.read())

# %% [markdown]
"""
## The same from the command line

```sh
unrolled forecast weather --target temp
```

The command is a thin shell over the calls on this page: it trains with the same settings and the same seed. Let us
hold it to that.
"""

# %% tags=["hide-output"]
import subprocess

command = "unrolled forecast weather --target temp --out runs/by-command"
print(
    subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
)

assert ur.load("runs/by-command").evaluate().equals(f.evaluate())
assert ur.load("runs/by-command").predict().equals(f.predict())

# %% [markdown]
"""
## Your own table

Give `fit` the path of a CSV, TSV or Parquet file, or a pandas, polars or arrow frame; frames come back as the kind
that came in.

```python
f = ur.Forecaster(horizon=12, cell="gru").fit("measured.csv", target="temperature")
print(f.evaluate())
print(f.predict())
```

The time column and the frequency are found from the table; what was found and done is in the report. If something
does not fit together, the error says what, where and how to mend it:
"""

# %%
from unrolled.errors import DataError

try:
    ur.Forecaster(horizon=24).fit(weather, target="tmp", series="origin")
except DataError as error:
    print(error)

# %% [markdown]
"""
## What you have seen

- Look at a table before you train on it: what is absent, what repeats, what drifts.
- A window is the last $L$ rows and the $H$ values after them; nothing else ever reaches the network.
- An error means something only beside that of a simple method on the same windows.
- What the library, the command and this page compute is the same, because it is the same code.

What happens inside the network is the matter of [chapter 1](chapter1-rnn-basics.py); what makes a forecast one to
believe, that of [chapter 5](chapter5-time-series.py).
"""

# %% [markdown]
"""
# Chapter 1: RNN basics and forward propagation

A recurrent network is one small layer, applied again and again, that is handed its own last output. This chapter
builds one from nothing, sends numbers forwards and gradients backwards through it, finds out why it forgets, and puts
it to work on real weather.

:::{admonition} This chapter at a glance
:class: card

Difficulty
: beginner to intermediate

Time
: 22 minutes: 20 to read text and examples at 200 words a minute, 2 to run them

Examples
: 12, in plain PyTorch; each runs by itself

Contents
: recurrence and hidden state · forward propagation · shapes · backpropagation through time · vanishing and exploding
  gradients · initialisation and clipping · training on hourly weather · truncated backpropagation · GPUs

Objectives
: After this chapter you can
  1. compute the states of a recurrent network by hand, and name the shape of every tensor in it;
  2. derive backpropagation through time, write it without autograd, and test it by finite differences;
  3. measure how fast the gradients of *your own* network vanish or explode, and say why;
  4. choose an initialisation and a clipping limit by an ablation over seeds;
  5. train a recurrent network on windows of a series and on an endless stream.

Prerequisites
: Python and NumPy; tensors, `nn.Module` and `backward` in PyTorch; the product of a matrix and a vector, the chain rule
:::

Every example below is complete: copy it into an empty file and it runs. Each asserts what it claims, and a folded cell
after it holds it against the library. Numbers in the text are taken from the run that made this page.
"""

# %% tags=["remove-cell"]
import time

from IPython import get_ipython
from IPython.display import HTML, Markdown, display

clock = {}


def say(text: str) -> None:
    """Text whose numbers come from the cells."""
    display(Markdown(text))


def begun(info) -> None:
    clock.update(cell=info.raw_cell, at=time.process_time())


def ended(result) -> None:
    if clock.get("cell", "").startswith("# Example"):
        seconds = time.process_time() - clock["at"]
        spent = f"{seconds:.1f} s" if seconds > 0.1 else "less than 0.1 s"
        display(HTML(f'<p class="cost">{spent} of CPU time</p>'))


get_ipython().events.register("pre_run_cell", begun)
get_ipython().events.register("post_run_cell", ended)

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Circle, FancyArrowPatch

# Orange below zero, nothing at zero, blue above: it follows the page into the dark.
signed = [(0, to_rgba("C1", 1)), (0.5, to_rgba("C1", 0))]
signed += [(0.5, to_rgba("C0", 0)), (1, to_rgba("C0", 1))]
MUTED = plt.rcParams["xtick.color"]
SIGNED = LinearSegmentedColormap.from_list("signed", signed)

# %% [markdown]
"""
## Why recurrence?

Somebody rang the bell. Is anyone still at the door? A network that sees only the present moment, silence, cannot know.
You could hand it the last ten moments side by side; then it has ten times the weights, must learn separately what a
ring means in each place, and knows nothing of a ring eleven moments ago. You could hand it the average of everything
so far; then the order is gone.

Recurrence is a third way. Keep a number $h$, the **state**. At each step, mix it with what comes in, squash the
result, and keep that instead.

(example-1-1)=
**Example 1.1: a bell.** One unit, one weight $w_x$ for the input, one weight $w_h$ for the loop. The same bell rings
once early and once late; the same unit without its loop listens too.
"""

# %% tags=["example"]
# Example 1.1: one unit with a loop
import torch

w_x, b = torch.tensor(1.0), torch.tensor(0.0)


def listen(bell, w_h):
    h = torch.tensor(0.0)  # nothing has been heard yet
    states = []
    for x in bell:
        h = torch.tanh(w_x * x + w_h * h + b)
        states.append(h)
    return torch.stack(states)


early = torch.tensor([1.0, 0, 0, 0, 0, 0])
late = early.flip(0)
with_loop = listen(early, w_h=torch.tensor(0.9))
without = listen(early, w_h=torch.tensor(0.0))
print("with the loop   ", with_loop.numpy().round(2))
print("without the loop", without.numpy().round(2))

assert early.mean() == late.mean()  # the average can't tell early from late,
assert with_loop[-1] < listen(late, torch.tensor(0.9))[-1] / 2  # the state can;
assert (with_loop > 0).all() and (with_loop.diff() < 0).all()  # it fades slowly,
assert (without[1:] == 0).all()  # and without the loop there is no memory at all

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

torch_cell, cell = torch.nn.RNNCell(1, 1), ur.ElmanCell(1, 1)
for module in (torch_cell, cell):
    for name, value in {"ih": 1.0, "hh": 0.9}.items():
        getattr(module, f"weight_{name}").data.fill_(value)
        getattr(module, f"bias_{name}").data.fill_(0.0)

h, state = torch.zeros(1, 1), cell.initial_state(1)
for x, expected in zip(early, with_loop):
    h = torch_cell(x.view(1, 1), h)
    output, state = cell(x.view(1, 1), state)
    assert torch.allclose(h, expected) and torch.allclose(output, expected)

# %% tags=["remove-input"]
say(f"""
Five silent steps after the ring the state is still {with_loop[-1]:.2f}. Without the loop, the ring is gone at the next
step.
""")

# %% [markdown]
r"""
## The recurrent connection

Give the unit company. With $n$ units the state is a vector $\mathbf h_t \in \mathbb R^n$, the input a vector
$\mathbf x_t \in \mathbb R^m$, and the weights become matrices:

$$
\mathbf a_t = W_x \mathbf x_t + W_h \mathbf h_{t-1} + \mathbf b, \qquad \mathbf h_t = \tanh \mathbf a_t .
$$ (elman)

This is Elman's network of 1990. $W_x$ ($n \times m$) says what the units listen for; $W_h$ ($n \times n$), the
**recurrent connection**, says what each unit hears from every other about the past; $\mathbf h_0$ is usually zero.
The answer is read off the state, often by one more linear layer.

You can lay the loop out along time: draw the layer once for each step, and the loop becomes an arrow from each copy to
the next. That is **unrolling**, and it gave this library its name. What is left is an ordinary deep network, as deep as
the sequence is long, with one peculiarity: *every layer has the same weights*.
"""


# %% tags=["remove-cell"]
def arrow(ax, start, end, colour, label="", offset=(0, 0), **style):
    shape = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0}
    line = {"color": colour, "linewidth": 1.8} | style
    ax.add_patch(FancyArrowPatch(start, end, **shape, **line))
    at = [(start[i] + end[i]) / 2 + offset[i] for i in (0, 1)]
    ax.text(*at, label, color=colour, ha="center", va="center")


def unit(ax, x, label, colour="C0"):
    ax.add_patch(
        Circle((x, 0), 0.36, facecolor="none", edgecolor=colour, linewidth=1.8)
    )
    ax.text(x, 0, label, ha="center", va="center")


def bare(ax, xlim, ylim):
    ax.set(xlim=xlim, ylim=ylim, aspect="equal")
    ax.axis("off")


# %% mystnb={"image": {"alt": "Left, one layer whose state goes back into it by a loop marked W h. Right, the same layer drawn once for each of four steps: an input comes in from below through W x, the state is handed on to the right through W h, an output leaves above. Arrows of one colour are the same weights."}} tags=["remove-input"]
fig, ax = plt.subplots(figsize=(6.8, 2.6))
bare(ax, (-0.8, 10.2), (-2.0, 2.2))
angle = np.linspace(np.radians(135), np.radians(-128), 60)
ax.plot(0.68 + 0.5 * np.cos(angle), 0.5 * np.sin(angle), color="C1")
arrow(ax, (0.45, -0.44), (0.3, -0.22), "C1")
ax.text(1.35, 0, "$W_h$", color="C1", va="center")
ax.text(2.55, 0.3, "unroll", color=MUTED, ha="center")
arrow(ax, (2.15, 0), (2.95, 0), MUTED)
for n, x in enumerate([0, 4.5, 6.2, 7.9, 9.6]):
    at = f"_{n}" if n else ""
    unit(ax, x, f"$h{at}$")
    arrow(ax, (x, -1.35), (x, -0.4), "C2", "$W_x$", (-0.42, -0.05))
    arrow(ax, (x, 0.4), (x, 1.2), MUTED)
    ax.text(x, -1.7, f"$x{at}$", ha="center", va="center")
    ax.text(x, 1.75, f"step {n}" if n else "the loop", color=MUTED, ha="center")
    if n:
        start = x - 1.3 if n > 1 else x - 0.95
        arrow(ax, (start, 0), (x - 0.4, 0), "C1", "$W_h$", (0, 0.32))
ax.text(3.35, 0, "$h_0$", ha="center", va="center")
plt.show()

# %% [markdown]
r"""
Arrows of one colour are one matrix. Two things follow, and the chapter is about them. A gradient for $W_h$ gathers a
contribution from every step; and to reach step 1 from step 4, a gradient crosses $W_h$ three times.

## Forward propagation by hand

(example-1-2)=
**Example 1.2: forward propagation.** Equation {eq}`elman` three times: number by number, as two matrix products, and
by `torch.nn.RNN`. PyTorch keeps two biases where one would do, so their sum is our $\mathbf b$.
"""

# %% tags=["example"]
# Example 1.2: forward propagation, three times
import math

import torch
from torch import nn

torch.manual_seed(0)
time_steps, features, hidden = 40, 1, 12
rnn = nn.RNN(features, hidden, batch_first=True)
nn.init.orthogonal_(rnn.weight_hh_l0, gain=0.9)  # echoes that can be seen
for bias in (rnn.bias_ih_l0, rnn.bias_hh_l0):
    nn.init.normal_(bias, std=0.01)  # quiet at rest
W_x, W_h = rnn.weight_ih_l0.detach(), rnn.weight_hh_l0.detach()
b = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach()

x = torch.zeros(time_steps, features)
x[4] = 3.0  # a short, strong ring,
x[20:32] = 1.0  # and a long one

by_number, h = [], [0.0] * hidden
for t in range(time_steps):
    new = []
    for i in range(hidden):
        a = float(b[i])
        for j in range(features):
            a += float(W_x[i, j]) * float(x[t, j])
        for j in range(hidden):
            a += float(W_h[i, j]) * h[j]
        new.append(math.tanh(a))
    h = new
    by_number.append(h)

by_matrix, h = [], torch.zeros(hidden)
for t in range(time_steps):
    h = torch.tanh(W_x @ x[t] + W_h @ h + b)
    by_matrix.append(h)

states = torch.stack(by_matrix)  # (time, hidden)
by_torch = rnn(x[None])[0][0].detach()  # a batch of one in, and out again
assert torch.allclose(torch.tensor(by_number), by_torch, atol=1e-6)
assert torch.allclose(states, by_torch, atol=1e-6)

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

library = ur.RNN(ur.ElmanCell, features, hidden)
library.load_state_dict(rnn.state_dict())  # the names are torch's
with torch.no_grad():
    output, (last,) = library(x[None])
assert torch.allclose(output[0], states, atol=1e-6)
assert torch.allclose(last.h[0], states[-1], atol=1e-6)

# %% [markdown]
"""
All three agree to six decimals. Draw the states, one row a unit, and you look into the network while it listens:
"""

# %% mystnb={"image": {"alt": "Above, the input: a short, strong ring at step 5, a long one from step 21 to 32. Below, the states of 12 units over 40 steps as a heat map: after each ring the units swing between positive and negative, and the pattern fades."}} tags=["hide-input"]
fig, (top, ax) = plt.subplots(
    2, 1, figsize=(6.4, 3.8), sharex=True, height_ratios=[1, 4]
)
top.step(range(1, time_steps + 1), x[:, 0], where="mid", color="C2")
top.text(6, 1.5, "a short, strong ring", color="C2")
top.text(33.5, 0.5, "a long one", color="C2")
top.set_title("What comes in")
top.axis("off")
edges = np.arange(time_steps + 1) + 0.5
ax.pcolormesh(
    edges, np.arange(hidden + 1), states.T, cmap=SIGNED, vmin=-0.8, vmax=0.8
).set_antialiased(False)
ax.set_title("The state of each unit: blue above zero, orange below")
ax.set_ylabel("unit")
ax.set_xlabel("step")
ax.set_yticks([])
ax.grid(visible=False)

# %% [markdown]
r"""
A ring leaves a pattern that outlives it. The pattern is the memory: $W_h$ turns it from step to step, a little weaker
each time, and whoever reads the state can learn what rang, and when.

## Shapes: batch, time, feature

In practice many sequences go through at once. The order of axes, in all of this library, is
**(batch, time, feature)**; the output is (batch, time, hidden), the states of *all* steps, and with it comes the state
after the last one.

(example-1-3)=
**Example 1.3: shapes, and three laws.** A test of shapes catches little. The laws catch more: rows of a batch don't
touch each other, the future can't change the past, and a sequence may be read in two goes if the state is handed over.
"""

# %% tags=["example"]
# Example 1.3: shapes, and three laws
import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(input_size=3, hidden_size=5, batch_first=True)
x = torch.randn(4, 7, 3)  # (batch, time, feature)

with torch.no_grad():
    output, last = rnn(x)
    assert output.shape == (4, 7, 5)  # (batch, time, hidden)
    assert last.shape == (1, 4, 5)  # (layers, batch, hidden): torch's exception
    assert torch.equal(output[:, -1], last[0])

    other = x.clone()
    other[1] += 1.0  # row 1 changes; rows 0, 2 and 3 don't notice
    assert torch.allclose(rnn(other)[0][[0, 2, 3]], output[[0, 2, 3]])

    other = x.clone()
    other[:, 5:] += 1.0  # the future changes; steps 0 to 4 don't notice
    assert torch.allclose(rnn(other)[0][:, :5], output[:, :5])

    first, h = rnn(x[:, :3])
    second, _ = rnn(x[:, 3:], h)  # the state is handed over
    assert torch.allclose(torch.cat([first, second], dim=1), output, atol=1e-6)

    careless = nn.RNN(3, 5)  # no batch_first: reads our batch as time
    careless.load_state_dict(rnn.state_dict())
    wrong = careless(x)[0]
    assert wrong.shape == output.shape  # no error, the expected shape,
    assert not torch.allclose(wrong, output, atol=0.1)  # and other numbers

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

library = ur.RNN(ur.ElmanCell, 3, 5)
library.load_state_dict(rnn.state_dict())
with torch.no_grad():
    again, (state,) = library(x)
assert torch.allclose(again, output, atol=1e-6)
other = x.clone()
other[1] += 1.0
assert not torch.allclose(careless(other)[0][[2, 3]], wrong[[2, 3]])  # law 1 fails
assert state.h.shape == (4, 5)  # (batch, hidden): one state a layer, batch first too

# %% [markdown]
r"""
The last lines are the most common mistake with `torch.nn.RNN`: `batch_first` forgotten. The network runs along the
batch, and nothing complains. The shape test passes; the first law fails.

## Backpropagation through time

How should $W_h$ change to lower a loss? Let each step have a loss $\ell_t$ of its state, and $L = \sum_t \ell_t$.
Apply the chain rule to the unrolled network. Who uses $\mathbf h_t$? Its own loss, and the next step. So with
$\mathbf g_t = \partial \ell_t / \partial \mathbf h_t$,

$$
\frac{\partial L}{\partial \mathbf h_t} = \mathbf g_t + W_h^\top \boldsymbol\delta_{t+1},
\qquad \boldsymbol\delta_{T+1} = \mathbf 0 ,
$$ (carry)

where $\boldsymbol\delta_t = \partial L / \partial \mathbf a_t$ is the gradient before the tanh. As
$\tanh' a = 1 - \tanh^2 a$, and with $\odot$ for products element by element,

$$
\boldsymbol\delta_t = \left(1 - \mathbf h_t^2\right) \odot \frac{\partial L}{\partial \mathbf h_t} .
$$ (delta)

The weights are shared, so each step adds its part:

$$
\begin{aligned}
\frac{\partial L}{\partial W_h} &= \sum_{t=1}^{T} \boldsymbol\delta_t \mathbf h_{t-1}^\top, &
\frac{\partial L}{\partial W_x} &= \sum_{t=1}^{T} \boldsymbol\delta_t \mathbf x_t^\top, \\
\frac{\partial L}{\partial \mathbf b} &= \sum_{t=1}^{T} \boldsymbol\delta_t, &
\frac{\partial L}{\partial \mathbf x_t} &= W_x^\top \boldsymbol\delta_t .
\end{aligned}
$$ (sums)

That is **backpropagation through time** (Rumelhart, Hinton and Williams 1986; Werbos 1990), complete: one vector,
$\boldsymbol\delta$, carried from the last step to the first.
"""

# %% mystnb={"image": {"alt": "The unrolled network with the gradient's way drawn in: from the loss of each step down into its state, and from each state back to the one before it through the transposed W h. From the last step to the first there are three such arrows."}} tags=["remove-input"]
fig, ax = plt.subplots(figsize=(6.8, 2.3))
bare(ax, (-0.9, 10.1), (-1.3, 2.3))
for n, x in enumerate([0.6, 3.4, 6.2, 9.0], start=1):
    unit(ax, x, f"$h_{n}$")
    arrow(ax, (x, 1.35), (x, 0.42), "C3", f"$g_{n}$", (0.38, 0.05))
    ax.text(x, 1.7, f"$\\ell_{n}$", ha="center", va="center")
    if n > 1:
        arrow(ax, (x - 2.35, 0.13), (x - 0.42, 0.13), MUTED, alpha=0.5)
        back = f"$W_h^\\top \\delta_{n}$"
        arrow(ax, (x - 0.42, -0.13), (x - 2.35, -0.13), "C3", back, (0, -0.42))
ax.text(-0.8, -1.15, "forwards in grey, the gradient in colour", color=MUTED)
plt.show()

# %% [markdown]
r"""
(example-1-4)=
**Example 1.4: backpropagation through time by hand.** Seven lines do the work. The rest is doubt: autograd has to
agree, and so do *finite differences*, which know no calculus: they move one weight a millionth up and down and watch
the loss.
"""

# %% tags=["example"]
# Example 1.4: backpropagation through time by hand
import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)  # finite differences need the digits
T, features, hidden = 6, 2, 4
x, target = torch.randn(T, features), torch.rand(T, hidden)
W_x, W_h, b = (
    torch.randn(hidden, features),
    torch.randn(hidden, hidden) / 2,
    torch.randn(hidden),
)


def forward(x, W_x, W_h, b):
    h = [torch.zeros(hidden)]
    for x_t in x:
        h.append(torch.tanh(W_x @ x_t + W_h @ h[-1] + b))
    return torch.stack(h)  # h[0] is the state before the first step


def loss(*inputs):
    return 0.5 * ((forward(*inputs)[1:] - target) ** 2).sum()


inputs = (x, W_x, W_h, b)
h = forward(*inputs)
dx, dW_x, dW_h, db = by_hand = [torch.zeros_like(w) for w in inputs]
delta = torch.zeros(hidden)
for t in reversed(range(T)):
    dh = h[t + 1] - target[t] + W_h.T @ delta  # its own loss, and the next step
    delta = (1 - h[t + 1] ** 2) * dh  # back through the tanh
    dx[t] = W_x.T @ delta
    dW_x += delta.outer(x[t])
    dW_h += delta.outer(h[t])
    db += delta

leaves = [w.clone().requires_grad_() for w in inputs]
by_autograd = torch.autograd.grad(loss(*leaves), leaves)
for i, w in enumerate(inputs):
    by_difference = torch.zeros_like(w)
    for n in range(w.numel()):
        step = 1e-6 * torch.eye(w.numel())[n].view_as(w)
        up, down = ((*inputs[:i], w + s, *inputs[i + 1 :]) for s in (step, -step))
        by_difference.view(-1)[n] = (loss(*up) - loss(*down)) / 2e-6
    assert torch.allclose(by_hand[i], by_autograd[i], atol=1e-12)
    assert torch.allclose(by_hand[i], by_difference, atol=1e-8)
torch.set_default_dtype(torch.float32)

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur
from unrolled.nn import bptt

cell = ur.ElmanCell(features, hidden).double()
with torch.no_grad():
    for parameter, value in zip(cell.parameters(), (W_x, W_h, b, 0 * b)):
        parameter.copy_(value)
trace = bptt.forward(cell, x[None])  # a batch of one
gradients = bptt.backward(cell, trace, trace.output - target)
assert torch.allclose(gradients.x[0], by_hand[0], atol=1e-12)
for name, mine in zip(("weight_ih", "weight_hh", "bias_ih"), by_hand[1:]):
    assert torch.allclose(gradients.parameters[name], mine, atol=1e-12)

# %% tags=["remove-input"]
disagreement = max((a - b).abs().max().item() for a, b in zip(by_hand, by_autograd))
say(f"""
The largest disagreement with autograd is {disagreement:.0e}, in float64. The library writes the same equations out for
the LSTM and the GRU as well, in `src/unrolled/nn/bptt.py`.
""")

# %% [markdown]
r"""
### Break it: a wrong gradient

Choose what the backward pass forgets. Bars are $\|\partial L/\partial \mathbf x_t\|$ by hand, for a loss at the last
step only; dots are finite differences. Below stands what a training run would tell you: the loss after 50 steps of
descent along that gradient.
"""

# %% tags=["remove-cell"]
generator = torch.Generator().manual_seed(3)
T_, n_ = 10, 6
x_ = torch.randn(T_, 2, generator=generator, dtype=torch.float64)
goal = 0.8 * torch.rand(n_, generator=generator, dtype=torch.float64)
start = [
    torch.randn(n_, 2, generator=generator, dtype=torch.float64),
    0.45 * torch.randn(n_, n_, generator=generator, dtype=torch.float64),
    torch.zeros(n_, dtype=torch.float64),
]


def last_loss(x, W_x, W_h, b):
    h = [torch.zeros(n_, dtype=torch.float64)]
    for x_t in x:
        h.append(torch.tanh(W_x @ x_t + W_h @ h[-1] + b))
    return 0.5 * ((h[-1] - goal) ** 2).sum(), h


def backward(x, W_x, W_h, b, forget=""):
    _, h = last_loss(x, W_x, W_h, b)
    grads = [torch.zeros_like(w) for w in (x, W_x, W_h, b)]
    delta = torch.zeros(n_, dtype=torch.float64)
    for t in reversed(range(len(x))):
        carried = (W_h if forget == "transpose" else W_h.T) @ delta
        dh = (h[-1] - goal if t + 1 == len(x) else 0) + (
            0 if forget == "carry" else carried
        )
        delta = dh if forget == "slope" else (1 - h[t + 1] ** 2) * dh
        grads[0][t] = W_x.T @ delta
        for total, part in zip(
            grads[1:], (delta.outer(x[t]), delta.outer(h[t]), delta)
        ):
            total += part
    return grads


nudge = 1e-6 * torch.eye(x_.numel(), dtype=torch.float64).view(-1, *x_.shape)
differences = torch.stack(
    [last_loss(x_ + e, *start)[0] - last_loss(x_ - e, *start)[0] for e in nudge]
).view_as(x_) / (2e-6)
before = last_loss(x_, *start)[0].item()
broken = {}


def break_it(forget):
    """The picture and the numbers of one way to get the backward pass wrong."""
    wrong = backward(x_, *start, forget=forget)[0]
    weights = [w.clone() for w in start]
    for _ in range(50):
        _, *grads = backward(x_, *weights, forget=forget)
        weights = [w - 0.1 * g for w, g in zip(weights, grads)]
    error = (wrong - differences).abs().max().item()
    after = last_loss(x_, *weights)[0].item()
    broken[forget] = error, after
    ax = plt.subplots(figsize=(6.4, 2.6))[1]
    at = np.arange(1, T_ + 1)
    good = error < 1e-8
    colour = "C0" if good else "C1"
    ax.bar(at, wrong.norm(dim=1), width=0.6, color=colour, alpha=0.6)
    ink = plt.rcParams["text.color"]
    ax.plot(at, differences.norm(dim=1), "o", color=ink, markersize=5)
    ax.set_ylim(0, 2.2)
    for step, height in zip(at, wrong.norm(dim=1).tolist()):
        if height > 2.2:
            ax.text(step, 1.95, f"{height:.1f} ↑", ha="center")
    ax.set_xticks(at)
    ax.set_xlabel("step")
    ax.set_title("Gradient at each input: bars by hand, dots by finite differences")
    plt.show()
    verdict = "the test passes" if good else "**the test fails**"
    say(
        f"Largest disagreement with finite differences: **{error:.0e}**, {verdict}. "
        f"Loss {before:.3f} at first, **{after:.1g}** after 50 steps of descent."
    )


# %% tags=["remove-input", "switch"] switch="The backward pass forgets: nothing" mystnb={"image": {"alt": "Bars and dots agree at every step; the gradient grows towards the last step"}}
break_it("")

# %% tags=["remove-input", "switch"] switch="The backward pass forgets: to carry δ" mystnb={"image": {"alt": "Only the last step has a bar; the dots at all other steps stand alone"}}
break_it("carry")

# %% tags=["remove-input", "switch"] switch="The backward pass forgets: the slope of tanh" mystnb={"image": {"alt": "Every bar is far above its dot"}}
break_it("slope")

# %% tags=["remove-input", "switch"] switch="The backward pass forgets: to transpose" mystnb={"image": {"alt": "The last bar fits its dot; most others stand somewhat above theirs, at step 9 by a fifth"}}
break_it("transpose")

# %% tags=["remove-input"]
assert broken[""][0] < 1e-8
assert all(error > 1e-2 for forget, (error, _) in broken.items() if forget)
assert all(after < before / 1000 for _, after in broken.values())  # what the text says
say("""
Every one of the four lowers the loss to less than a thousandth. *A falling loss does not show that a gradient is right*,
and neither does a test of shapes. The last assertion of [Example 1.4](#example-1-4), with finite differences, catches all
three; write it before you write a backward pass.
""")

# %% [markdown]
r"""
## Vanishing and exploding gradients

How much of a gradient at step $T$ arrives at step $k$? From {eq}`elman`, one step back multiplies it by
$\partial \mathbf h_t / \partial \mathbf h_{t-1} = \operatorname{diag}(1 - \mathbf h_t^2)\, W_h$, so over many steps

$$
\frac{\partial \mathbf h_T}{\partial \mathbf h_k} = \prod_{t=T}^{k+1} \operatorname{diag}(1 - \mathbf h_t^2)\, W_h .
$$ (jacobian)

A product of $T-k$ nearly equal factors goes the way of a power: to nothing or to infinity, unless the factors are very
close to one. The slope of tanh is at most 1, so

$$
\left\| \frac{\partial \mathbf h_T}{\partial \mathbf h_k} \right\| \le \| W_h \|^{\,T-k} ,
$$ (bound)

with $\|\cdot\|$ for the largest factor by which a matrix stretches a vector (Bengio, Simard and Frasconi 1994). If
$\|W_h\| < 1$, gradients *must* vanish, whatever the data and the loss are.

(example-1-5)=
**Example 1.5: what is left after $d$ steps.** An orthogonal matrix turns vectors and keeps their length; times a
*gain* it stretches all by the same factor. That makes the law visible: without the tanh, the norm is exactly gain$^d$.
"""

# %% tags=["example"]
# Example 1.5: what is left of a gradient after d steps
import torch

torch.manual_seed(0)
T, hidden = 41, 32
gains = 0.5, 0.9, 1.0, 1.1, 1.5
Q = torch.linalg.qr(torch.randn(hidden, hidden, dtype=torch.float64))[0]
x = 0.1 * torch.randn(T, hidden, dtype=torch.float64)


def norms(W_h, linear=False):
    h, jacobians = torch.zeros(hidden, dtype=torch.float64), []
    for x_t in x:
        a = W_h @ h + x_t
        h = a if linear else torch.tanh(a)
        slope = torch.ones_like(h) if linear else 1 - h**2
        jacobians.append(slope[:, None] * W_h)  # ∂h_t / ∂h_{t-1}
    product, found = torch.eye(hidden, dtype=torch.float64), []
    for jacobian in reversed(jacobians[1:]):
        product = product @ jacobian
        found.append(torch.linalg.matrix_norm(product, ord=2))
    return torch.stack(found)  # over 1, 2, … T - 1 steps


distance = torch.arange(1, T)
line = {gain: norms(gain * Q, linear=True) for gain in gains}
tanh = {gain: norms(gain * Q) for gain in gains}
for gain in gains:
    radius = torch.linalg.eigvals(gain * Q).abs().max()
    print(f"gain {gain}: spectral radius {radius:.2f}, {tanh[gain][-1]:.1e} is left")
    assert torch.allclose(line[gain], gain ** distance.double(), rtol=1e-9)
    assert (tanh[gain] <= line[gain] * (1 + 1e-9)).all()  # the bound above
assert tanh[0.5][-1] < 1e-11 and tanh[1.5][-1] > 10

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

net = torch.nn.RNN(hidden, hidden, batch_first=True, bias=False).double()
with torch.no_grad():
    net.weight_ih_l0.copy_(torch.eye(hidden))
    net.weight_hh_l0.copy_(0.9 * Q)


def last_state(h):
    """h_T as a function of h_1, for autograd to differentiate."""
    return net(x[None, 1:], h[None, None])[1][0, 0]


first_state = net(x[None, :1])[1][0, 0]
jacobian = torch.autograd.functional.jacobian(last_state, first_state)
assert torch.allclose(torch.linalg.matrix_norm(jacobian, ord=2), tanh[0.9][-1])

theirs = ur.gradient_flow(net, x[None])["rnn.0"]
assert torch.allclose(theirs.norms["state"][0, 1:T], tanh[0.9])
assert abs(theirs.radii["W_hh"] - 0.9) < 1e-6

# %% mystnb={"image": {"alt": "Lines on a logarithmic axis: what is left of a gradient over 1 to 40 steps for five gains. Dotted straight lines without tanh; solid lines with tanh lie below them. Gain 0.5 falls to one part in a trillion, gain 1.5 rises."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 3.6))
raised = {1.0: 0.1, 1.1: 6}  # labels keep a distance
for gain, colour in zip(gains, ("C0", "C2", "C3", "C4", "C1")):
    ax.semilogy(distance, line[gain], ":", color=colour, linewidth=1.2)
    ax.semilogy(distance, tanh[gain], color=colour)
    at = raised.get(gain, tanh[gain][-1])
    ax.text(40.8, at, f"gain {gain}", color=colour, va="center")
ax.set_xlim(0, 47)
ax.set_xticks(range(0, 41, 10))
ax.set_ylim(1e-13, 1e8)
ax.set_xlabel("steps back")
ax.set_title("What is left of a gradient (dotted: without the tanh)")
plt.show()

# %% [markdown]
r"""
Each line is nearly straight on a logarithmic axis, so one number describes it: the factor per step. For the linear
network it is the **spectral radius** $\rho$ of $W_h$, its largest eigenvalue in absolute value. Easier to remember is
the **half-life**, the distance over which half of a gradient is lost:

$$
n_{1/2} = \frac{\ln \frac12}{\ln \rho} .
$$ (half-life)
"""

# %% tags=["remove-input"]
lost = {rho: np.log(0.5) / np.log(rho) for rho in (0.5, 0.9)}
assert lost[0.5] == 1
say(f"""
For a factor of 0.9 that is {lost[0.9]:.1f} steps; for 0.5, one. A network can hardly be taught to use what lies ten
half-lives back: a thousandth of the gradient is left, under everything that happened since.
""")

# %% [markdown]
r"""
### Break it: the gain

At left, *forwards*: the input of step 1 is nudged, and the states of twelve units answer over 30 steps. At right,
*backwards*: the gradient of [Example 1.5](#example-1-5). They are the same product {eq}`jacobian`, read from its two
ends: **what a network forgets, it cannot be taught.**
"""

# %% tags=["remove-cell"]
generator = torch.Generator().manual_seed(2)
Q_ = torch.linalg.qr(torch.randn(12, 12, generator=generator, dtype=torch.float64)).Q
quiet = 0.1 * torch.randn(30, 12, generator=generator, dtype=torch.float64)
push = 1e-4 * torch.randn(12, generator=generator, dtype=torch.float64)
turned = {}


def turn(gain):
    """The picture and the numbers of one gain."""
    pair = []
    for nudged in (quiet, torch.cat([quiet[:1] + push, quiet[1:]])):
        h, states = torch.zeros(12, dtype=torch.float64), []
        for x_t in nudged:
            h = torch.tanh(gain * Q_ @ h + x_t)
            states.append(h)
        pair.append(torch.stack(states))
    answer = (pair[1] - pair[0]) / push.norm()
    turned[gain] = answer.norm(dim=1)
    _, (ax, right_ax) = plt.subplots(1, 2, figsize=(6.4, 2.8), width_ratios=[3, 2])
    grid = np.arange(31) + 0.5, np.arange(13)
    shades = ax.pcolormesh(*grid, answer.T, cmap=SIGNED, vmin=-0.6, vmax=0.6)
    shades.set_antialiased(False)
    ax.set_title("Answer of 12 units to a nudge")
    ax.set_xlabel("step")
    ax.set_yticks([])
    ax.grid(visible=False)
    for other in gains:
        here = other == gain
        style = {"color": "C1"} if here else {"color": MUTED, "alpha": 0.4}
        right_ax.semilogy(distance, tanh[other], zorder=3 if here else 1, **style)
    right_ax.set_ylim(1e-13, 1e4)
    right_ax.set_xlabel("steps back")
    right_ax.set_title("Gradient that is left")
    plt.show()
    rate = (tanh[gain][29] ** (1 / 30)).item()
    steps = abs(np.log(2) / np.log(rate))
    life = f"half-life **{steps:.1f} steps**"
    if rate > 0.99:
        life = "it **neither fades nor grows**"
    if rate > 1.01:
        life = f"it doubles every **{steps:.0f} steps**"
    say(
        f"Gain {gain}: after 30 steps **{tanh[gain][29]:.1e}** of the gradient is left; {life}."
    )


# %% tags=["remove-input", "switch"] switch="Recurrent gain: 0.5" mystnb={"image": {"alt": "Gain 0.5: the answer is gone after three steps; the gradient falls off a cliff"}}
turn(0.5)

# %% tags=["remove-input", "switch"] switch="Recurrent gain: 0.9" mystnb={"image": {"alt": "Gain 0.9: the answer fades within fifteen steps; the gradient falls to a hundredth in thirty"}}
turn(0.9)

# %% tags=["remove-input", "switch"] switch="Recurrent gain: 1.0" mystnb={"image": {"alt": "Gain 1: the answer swings on through all steps; the gradient falls slowly"}}
turn(1.0)

# %% tags=["remove-input", "switch"] switch="Recurrent gain: 1.1" mystnb={"image": {"alt": "Gain 1.1: the answer keeps its strength; the gradient stays about one"}}
turn(1.1)

# %% tags=["remove-input", "switch"] switch="Recurrent gain: 1.5" mystnb={"image": {"alt": "Gain 1.5: the answer swells from step to step; the gradient grows"}}
turn(1.5)

# %% tags=["remove-cell"]
assert turned[0.5][29] < 1e-6 and turned[0.9][29] < 0.1 < turned[1.0][29]
assert turned[1.5][:25].max() > 3  # it swells
assert 0.99 < (tanh[1.1][29] ** (1 / 30)).item() < 1.01

# %% [markdown]
"""
No shape test and no gradient check notices a bad gain: the gradients are *correct*, and useless. The test that catches it
measures the product, before training:

(example-1-6)=
**Example 1.6: your own network.** `flow` takes a `torch.nn.RNN` and a batch, and gives the norm of {eq}`jacobian` over
each distance, averaged over the rows. Put your own network and data in the marked lines.
"""

# %% tags=["example"]
# Example 1.6: the gradient flow of your own network
import math

import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNN(4, 64, batch_first=True)  # ← your network
x = torch.randn(8, 50, 4)  # ← a batch of yours, (batch, time, feature)


@torch.no_grad()
def flow(rnn, x):
    h = rnn(x)[0]  # (batch, time, hidden)
    W_h = rnn.weight_hh_l0
    product = torch.eye(h.shape[2]).expand(len(x), -1, -1)
    norms = []
    for t in reversed(range(1, x.shape[1])):
        slope = 1 - h[:, t] ** 2  # (batch, hidden)
        product = product @ (slope[:, :, None] * W_h)
        norms.append(torch.linalg.matrix_norm(product, ord=2))
    return torch.stack(norms, dim=1)  # (batch, distance)


norms = flow(rnn, x)
decay = (norms[:, -1] / norms[:, 0]).mean() ** (1 / (norms.shape[1] - 1))
half_life = math.log(0.5) / math.log(decay)
radius = torch.linalg.eigvals(rnn.weight_hh_l0).abs().max().item()
print(f"factor per step {decay:.2f}, spectral radius {radius:.2f}")
print(
    f"half-life {half_life:.1f} steps; after 20 steps {norms[:, 19].mean():.0e} is left"
)

better = nn.RNN(4, 64, batch_first=True)
nn.init.orthogonal_(better.weight_hh_l0)
assert norms[:, 19].max() < 1e-3  # torch's default forgets at once,
assert flow(better, x)[:, 19].min() > 10 * norms[:, 19].max()  # and need not

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

found = ur.gradient_flow(rnn, x, rows=8)["rnn.0"]
for row in range(8):
    theirs = found.norms["state"][row, 1:50].float()
    assert torch.allclose(norms[row].detach(), theirs, rtol=1e-2, atol=0)
assert abs(found.half_life - half_life) < 0.2
assert abs(found.radii["W_hh"] - radius) < 1e-4
assert found.verdict == "vanishing"

# %% [markdown]
"""
The library's `gradient_flow` (in `src/unrolled/lens/gradients.py`) opens any model that has a recurrent network in it,
the LSTMs and GRUs of [chapter 2](chapter2-lstm-gru.py) too, and adds a verdict and what to try:
"""

# %%
print(ur.gradient_flow(rnn, x))

# %% [markdown]
"""
## What helps: a better start, and clipping

Both remedies are a line of code. Whether they help, an experiment must tell, with something to compare against and
more than one seed.

(example-1-7)=
**Example 1.7: the start.** Orthogonal matrices were proposed by Saxe and others (2014), the identity by Le, Jaitly and
Hinton (2015). The task is pure memory: the first of 40 numbers is +1 or −1, noise follows, and at the end
the network says which it was. Three starts, five seeds each, all else equal.
"""

# %% tags=["example"]
# Example 1.7: three starts on a task of memory
import torch
from torch import nn

T, hidden, seeds = 40, 32, range(5)


def batch(rows, generator):
    y = torch.randint(0, 2, (rows,), generator=generator).float()
    x = 0.3 * torch.randn(rows, T, 1, generator=generator)
    x[:, 0, 0] = 2 * y - 1  # the answer comes first, then noise
    return x, y


def train(start, seed):
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    rnn, head = nn.RNN(1, hidden, batch_first=True), nn.Linear(hidden, 1)
    nn.init.zeros_(rnn.bias_ih_l0)
    nn.init.zeros_(rnn.bias_hh_l0)
    if start == "orthogonal":
        nn.init.orthogonal_(rnn.weight_hh_l0)
    if start == "identity":
        nn.init.eye_(rnn.weight_hh_l0)
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(300):
        x, y = batch(32, generator)
        guess = head(rnn(x)[0][:, -1])[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(guess, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    x, y = batch(1000, generator)  # fresh ones
    with torch.no_grad():
        return ((head(rnn(x)[0][:, -1])[:, 0] > 0) == (y > 0)).float().mean()


starts = "default", "identity", "orthogonal"
right = {s: torch.stack([train(s, seed) for seed in seeds]) for s in starts}
assert right["default"].mean() < 0.65 and right["default"].min() < 0.55
assert right["identity"].min() > 0.95 and right["orthogonal"].min() > 0.95

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
from unrolled.nn import initialise

torch.manual_seed(0)
mine, library = nn.RNN(1, hidden), nn.RNN(1, hidden)
torch.manual_seed(1)
nn.init.orthogonal_(mine.weight_hh_l0)
torch.manual_seed(1)
initialise(library, "orthogonal")  # by name, for any recurrent module
assert torch.equal(mine.weight_hh_l0, library.weight_hh_l0)

# %% mystnb={"image": {"alt": "Share of right answers, one dot a seed: the default start at one half, identity and orthogonal at one"}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.0))
for row, name in enumerate(starts):
    colour = "C1" if name == "default" else "C0"
    jitter = row + np.linspace(-0.18, 0.18, len(seeds))
    ax.plot(right[name], jitter, "o", color=colour, alpha=0.8, clip_on=False)
ax.axvline(0.5, color="gray", linewidth=1, linestyle=":")
ax.text(0.505, 2.42, "a coin", color="gray", va="center")
ax.set_yticks(range(3), starts)
ax.set_ylim(-0.4, 2.7)
ax.set_xlim(0.4, 1.0)
ax.grid(axis="y", visible=False)
ax.tick_params(left=False)
ax.spines["left"].set_visible(False)
ax.set_title("Right answers after 300 steps, one dot a seed")
plt.show()

# %% tags=["remove-input"]
told = {name: f"{r.mean():.2f} ± {r.std():.2f}" for name, r in right.items()}
drawn = [
    torch.linalg.eigvals(nn.RNN(1, n).weight_hh_l0.detach()).abs().max().item()
    for n in (64, 128, 256)
    for _ in range(5)
]
assert abs(np.mean(drawn) - 3**-0.5) < 0.05
say(f"""
From torch's default start the network guesses: {told["default"]} (mean and standard deviation of five seeds). From the
identity it answers {told["identity"]} right, from an orthogonal matrix {told["orthogonal"]}.
By default torch draws each weight evenly from between $-1/\\sqrt n$ and $1/\\sqrt n$. That makes the spectral radius
about $1/\\sqrt 3$, whatever $n$ is ({np.mean(drawn):.2f} ± {np.std(drawn):.2f} over fifteen such matrices): a half-life of {np.log(0.5) / np.log(3**-0.5):.1f} steps.
""")

# %% [markdown]
r"""
The other danger is the steep wall: when gradients explode, a single step can throw the weights out of the region where
anything was learnt. **Clipping** (Pascanu, Mikolov and Bengio 2013) shortens a gradient that is longer than a limit $c$,
over all parameters together, and keeps its direction:

$$
\mathbf g \leftarrow \mathbf g \cdot \min\!\left(1, \frac{c}{\|\mathbf g\|}\right) .
$$ (clip)

(example-1-8)=
**Example 1.8: clipping.** The same task with a network that is prone to explode: rectified units start from the
identity, so that nothing squashes a growing state. Plain gradient descent, with and without {eq}`clip`.
"""

# %% tags=["example"]
# Example 1.8: with clipping and without
import torch
from torch import nn

T, hidden, seeds = 25, 32, range(5)


def train(limit, seed):
    torch.manual_seed(seed)
    rnn = nn.RNN(1, hidden, nonlinearity="relu", batch_first=True)
    head = nn.Linear(hidden, 1)
    nn.init.eye_(rnn.weight_hh_l0)
    nn.init.zeros_(rnn.bias_ih_l0)
    nn.init.zeros_(rnn.bias_hh_l0)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    norms, right = [], []
    for _ in range(300):
        y = torch.randint(0, 2, (32,)).float()
        x = 0.3 * torch.randn(32, T, 1)
        x[:, 0, 0] = 2 * y - 1
        guess = head(rnn(x)[0][:, -1])[:, 0]
        loss = nn.functional.binary_cross_entropy_with_logits(guess, y)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.stack([p.grad.norm() for p in parameters]).norm()
        for p in parameters:
            p.grad *= min(1.0, limit / norm)
        optimizer.step()
        norms.append(norm)
        right.append(((guess > 0) == (y > 0)).float().mean())
    return torch.stack(norms), torch.stack(right)


limits = float("inf"), 1.0
runs = {limit: [train(limit, seed) for seed in seeds] for limit in limits}
right = {c: torch.stack([r[-50:].mean() for _, r in runs[c]]) for c in limits}
assert right[float("inf")].max() < 0.6  # thrown out, in every seed
assert right[1.0].min() > 0.95

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
from unrolled.nn import clip_gradients

torch.manual_seed(0)
one, two, three = (nn.RNN(1, 4) for _ in range(3))
for net in (one, two, three):
    net.load_state_dict(one.state_dict())
    (9 * net(torch.ones(5, 2, 1))[0].sum()).backward()
norm = torch.stack([p.grad.norm() for p in one.parameters()]).norm()
for p in one.parameters():
    p.grad *= min(1.0, 1.0 / norm)
torch.nn.utils.clip_grad_norm_(two.parameters(), 1.0)
report = clip_gradients(three, norm=1.0)
assert report.clipped and abs(report.norm - norm) < 1e-3
for p, q, r in zip(one.parameters(), two.parameters(), three.parameters()):
    assert torch.allclose(p.grad, q.grad, atol=1e-6)
    assert torch.allclose(p.grad, r.grad, atol=1e-6)

# %% mystnb={"image": {"alt": "Running share of right answers over 300 steps of training, five seeds each: with clipping all rise to one; without, all stay at one half"}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.7))
for limit, colour in zip(limits, ("C1", "C0")):
    for _, hits in runs[limit]:
        smooth = np.convolve(hits, np.ones(20) / 20, mode="valid")
        ax.plot(np.arange(20, 301), smooth, color=colour, alpha=0.7, linewidth=1.3)
ax.text(304, 1.0, "clipped at 1", color="C0", va="center")
ax.text(304, 0.5, "not clipped", color="C1", va="center")
ax.set_xlim(0, 375)
ax.set_xticks(range(0, 301, 100))
ax.set_ylim(0.3, 1.05)
ax.set_xlabel("steps of training")
ax.set_title("Right answers, mean of the last 20 batches, five seeds each")
plt.show()

# %% tags=["remove-input"]
told = {limit: f"{r.mean():.2f} ± {r.std():.2f}" for limit, r in right.items()}
loose = [n for n, _ in runs[float("inf")]]
wall = [n.max().item() for n in loose]
hit = max(int(n.argmax()) for n in loose) + 1
flat_after = max(n[-50:].median().item() for n in loose)
assert hit < 30 and flat_after < 0.2 < 5 < min(wall)
say(f"""
Right answers over the last 50 batches: {told[float("inf")]} without clipping, {told[1.0]} with it. Without, each of the
five runs hit the wall within its first {hit} steps, with a gradient of norm {min(wall):.0f} to {max(wall):.1e}. Where it
landed the ground is flat: half of the last gradients are shorter than {flat_after:.2f}, and nothing is learnt any more.
Clipping helps against explosion only.
""")

# %% [markdown]
"""
## A real task

The temperature at JFK airport, six hours ahead, from the last day. Three rules keep the result honest: split **by
time**, so that the test lies in the future of the training; compute mean and standard deviation **from the training part
alone**; and put a naive forecast beside the network **on the same windows**.

(example-1-9)=
**Example 1.9: hourly weather.** A `Dataset` says what window number $i$ is, a `DataLoader` shuffles windows into
batches. The network is asked for the *change* from the last known temperature; three seeds.
"""

# %% tags=["example"]
# Example 1.9: the temperature six hours ahead
import polars as pl
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import unrolled.data

lookback, ahead = 24, 6
table = unrolled.data.weather().filter(pl.col("origin") == "JFK")
table = table.upsample("time_hour", every="1h").fill_null(strategy="forward")
columns = [table[name].to_torch() for name in ("temp", "dewp", "pressure")]
hour = 2 * torch.pi * table["time_hour"].dt.hour().to_torch() / 24
values = torch.stack([*columns, hour.sin(), hour.cos()], dim=1).float()
cut = int(0.8 * len(values))  # the test lies after it
mean, std = values[:cut].mean(dim=0), values[:cut].std(dim=0)


class Windows(Dataset):
    def __init__(self, values):
        self.values = (values - mean) / std

    def __len__(self):
        return len(self.values) - lookback - ahead + 1

    def __getitem__(self, i):
        now = i + lookback
        return self.values[i:now], self.values[now + ahead - 1, 0]


train, test = Windows(values[:cut]), Windows(values[cut - lookback :])
x_test, y_test = next(iter(DataLoader(test, len(test))))


def fit(seed):
    torch.manual_seed(seed)
    rnn, head = nn.RNN(5, 32, batch_first=True), nn.Linear(32, 1)
    forecast = lambda x: x[:, -1, 0] + head(rnn(x)[0][:, -1])[:, 0]  # noqa: E731
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=2e-3)
    for _ in range(4):
        for x, y in DataLoader(train, 64, shuffle=True):
            loss = nn.functional.l1_loss(forecast(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return forecast(x_test).detach()


found = torch.stack([fit(seed) for seed in range(3)])  # (seed, window)
errors = std[0] * (found - y_test).abs().mean(dim=1)  # in °F
naive = std[0] * (x_test[:, -1, 0] - y_test).abs().mean()
assert errors.max() < 0.8 * naive

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

torch.manual_seed(0)
stock, head = nn.RNN(5, 32, batch_first=True), nn.Linear(32, 1)
library = ur.RNN(ur.ElmanCell, 5, 32)
library.load_state_dict(stock.state_dict())
with torch.no_grad():
    assert torch.allclose(library(x_test)[0], stock(x_test)[0], atol=1e-5)
assert len(train) == cut - lookback - ahead + 1  # as Getting started counts windows
x, y = train[0]
assert torch.equal(x[-1], train.values[lookback - 1])  # the last one known,
assert y == train.values[lookback - 1 + ahead, 0]  # and six hours on


# %% mystnb={"image": {"alt": "Five days of the test: the measured temperature, the network's forecast made six hours before, close to it, and the naive one, which is the same curve six hours late"}} tags=["hide-input"]
measured, network, late = (
    (line * std[0] + mean[0])[300:420] for line in (y_test, found[0], x_test[:, -1, 0])
)

fig, ax = plt.subplots(figsize=(6.4, 2.9))
ax.plot(measured, color="gray", linewidth=1.2)
ax.plot(late, ":", color="C1", linewidth=1.4)
ax.plot(network, color="C0")
ax.set_xlim(0, 145)
ends = sorted(
    [
        (measured[-1], "measured", "gray"),
        (late[-1], "naive", "C1"),
        (network[-1], "network", "C0"),
    ]
)
ax.set_xticks(range(0, 121, 24), [f"day {n}" for n in range(6)])
ax.set_title("The temperature, and its forecasts of six hours before, °F")
at = -1e9
for end, label, colour in ends:
    at = max(float(end), at + 4)
    ax.text(122, at, label, color=colour, va="center")
plt.show()


# %% tags=["remove-input"]
def flat(windows):
    x, y = next(iter(DataLoader(windows, len(windows))))
    return torch.cat([x.flatten(1), torch.ones(len(x), 1)], dim=1).double(), y.double()


(x_flat, y_flat), (x_asked, y_asked) = flat(train), flat(test)
plane = torch.linalg.lstsq(x_flat, y_flat).solution
linear = std[0] * (x_asked @ plane - y_asked).abs().mean()
against = 1 - (errors.mean() / linear).item()
spread = errors.std().item()
if abs(errors.mean() - linear) <= 2 * spread / 3**0.5:
    place = "no better and no worse than that, within the spread of its seeds"
elif against > 0:
    place = f"{against:.0%} better than that"
else:
    place = f"{-against:.0%} worse than that"
say(f"""
On {len(test):,} windows the network misses by {errors.mean():.2f} ± {spread:.2f} °F (three seeds); repeating the last
temperature misses by {naive:.2f}. That is a gain of {1 - errors.mean() / naive:.0%}. Now the sobering question: what
does a *linear* regression reach on the same windows? {linear:.2f} °F; the network is {place}. Always ask, before you
call a recurrent network good.

The same by one call and by one command, here with six hours asked for at once:
""")

# %%
import subprocess

import unrolled as ur

f = ur.Forecaster(horizon=6, cell="rnn", lookback=24)
f.fit("weather", target="temp", only=["JFK"])

command = "unrolled forecast weather --target temp --only JFK --horizon 6"
command += " --cell rnn --lookback 24 --out runs/chapter1"
subprocess.run(command.split(), capture_output=True, check=True)
assert ur.load("runs/chapter1").evaluate().equals(f.evaluate())

# %% tags=["remove-input"]
steps = f.evaluate(by_step=True).filter(pl.col("step") == 6)
errs = dict(steps.select("method", "MAE").iter_rows())
assert errs["RNN"] < 0.9 * errs["naive"]
say(f"""
Call and command give the same scores, bit for bit. At the sixth hour this network misses by {errs["RNN"]:.2f} °F and
naive by {errs["naive"]:.2f}; it reads all columns, forecasts six hours at once and keeps a tenth of the year to choose
when to stop, so its test windows are not quite ours.
""")

# %% [markdown]
r"""
## Streams: truncated backpropagation

A sensor never ends, and backpropagation through all of its past would need all of its past in memory. **Truncated
backpropagation through time** (Williams and Peng 1990) reads the stream in chunks of $k$ steps. The *state* goes from
chunk to chunk, so that the network remembers; the *gradient* stops at the cut:

$$
\mathbf h_0^{(j+1)} = \operatorname{detach}\!\left(\mathbf h_k^{(j)}\right) .
$$ (truncated)

What does the cut cost? Measure it on a task whose answer is known.

(example-1-10)=
**Example 1.10: an echo.** Random signs come in; after 8 steps each has to come out again. Chunks of 5, 10 and 20
steps, and 20 with the state thrown away at each cut. The last ought to be right wherever sign and echo share a chunk, and
to guess at the other 8 of 20 places: $1 - \frac12 \cdot \frac8{20}$.
"""

# %% tags=["example"]
# Example 1.10: an echo, learnt in chunks
import torch
from torch import nn

rows, length, delay, hidden, seeds = 16, 8000, 8, 32, range(5)


def train(k, seed, carry=True):
    torch.manual_seed(seed)
    signs = torch.randint(0, 2, (rows, length, 1)) * 2.0 - 1
    echo = signs.roll(delay, dims=1)
    rnn, head = nn.RNN(1, hidden, batch_first=True), nn.Linear(hidden, 1)
    parameters = [*rnn.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=3e-3)
    h, right = None, []
    for x, y in zip(signs.split(k, dim=1), echo.split(k, dim=1)):
        states, h = rnn(x, h)
        h = h.detach() if carry else None  # carried and cut, or thrown away
        output = head(states)
        loss = nn.functional.mse_loss(output, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        right.append(((output > 0) == (y > 0)).float().mean())
    return torch.stack(right[-len(right) // 5 :]).mean()  # the last fifth


variants = {
    "5 steps": [train(5, seed) for seed in seeds],
    "10 steps": [train(10, seed) for seed in seeds],
    "20 steps": [train(20, seed) for seed in seeds],
    "20, state thrown away": [train(20, seed, carry=False) for seed in seeds],
}
right = {name: torch.stack(found) for name, found in variants.items()}
assert right["5 steps"].max() < 0.65  # no chunk holds a sign and its echo
assert right["10 steps"].min() > 0.95 and right["20 steps"].min() > 0.95
expected = 1 - delay / (2 * 20)
assert (right["20, state thrown away"] - expected).abs().max() < 0.03

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur
from unrolled.nn import chunks, truncated_bptt

torch.manual_seed(0)
stock, library = nn.RNN(1, 4, batch_first=True), ur.RNN(ur.ElmanCell, 1, 4)
library.load_state_dict(stock.state_dict())
x, y, h = torch.randn(2, 20, 1), torch.randn(2, 20, 4), None
for x_k, y_k in zip(x.split(5, dim=1), y.split(5, dim=1)):
    output, h = stock(x_k, h)
    nn.functional.mse_loss(output, y_k).backward()
    h = h.detach()
*_, chunk = truncated_bptt(library, chunks(5, x, y), nn.functional.mse_loss)
mine = [p.grad for p in stock.parameters()]
for p, grad in zip(library.parameters(), mine):
    assert torch.allclose(p.grad, grad, atol=1e-6)
assert torch.allclose(chunk.state[0].h, h[0], atol=1e-6)

# %% mystnb={"image": {"alt": "Share of echoes that are right, one dot a seed: chunks of 5 near one half, chunks of 10 and 20 at one, chunks of 20 without their state at 0.8"}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.3))
for row, found in enumerate(reversed(right.values())):
    colour = "C0" if found.mean() > 0.95 else "C1"
    jitter = row + np.linspace(-0.18, 0.18, len(seeds))
    ax.plot(found, jitter, "o", color=colour, alpha=0.8, clip_on=False)
for at, label in ((0.5, "a coin"), (expected, "as computed")):
    ax.axvline(at, color="gray", linewidth=1, linestyle=":")
    ax.text(at + 0.005, 3.5, label, color="gray", va="center")
ax.set_yticks(range(4), list(reversed(right)))
ax.set_ylim(-0.4, 3.8)
ax.set_xlim(0.4, 1.0)
ax.grid(axis="y", visible=False)
ax.tick_params(left=False)
ax.spines["left"].set_visible(False)
ax.set_title("Echoes that are right, one dot a seed")
plt.show()

# %% tags=["remove-input"]
told = {name: f"{r.mean():.2f} ± {r.std():.2f}" for name, r in right.items()}
say(f"""
With chunks of 5 no gradient ever spans the 8 steps from a sign to its echo, and the network stays near guessing:
{told["5 steps"]} right. With 10 it is {told["10 steps"]}, and with 20 {told["20 steps"]}. With the state thrown away,
chunks of 20 reach {told["20, state thrown away"]}; the sum above says {expected:.2f}. So choose $k$ longer than what has to be
learnt, and never throw the state away between chunks that follow each other.

Cut, the memory is the same however long the stream is. Forget `detach`, and PyTorch stops at the second chunk: *Trying to
backward through the graph a second time*. The tempting mend, `retain_graph=True`, runs, and keeps everything:
[Example 1.12](#example-1-12) counts the bytes. The library's loop is `truncated_bptt`, in `src/unrolled/nn/truncated.py`.
""")

# %% [markdown]
"""
## Going further: the same on a GPU (1 minute)

(example-1-11)=
**Example 1.11: any device.** Three things move: the model (before the optimizer is made), every batch, and every state
you make yourself; results that you keep move back. To compare, train with the same weights and data on both, in float64:
in float32 a GPU may round the factors of a product to ten bits (*TF32*). The losses agree to a tolerance, not to the
bit, for the devices add in another order.
"""

# %% tags=["example"]
# Example 1.11: the same training on any device
import torch
from torch import nn

device = "cuda" if torch.cuda.is_available() else "cpu"


def train(device):
    torch.manual_seed(0)  # weights and data are drawn on the CPU: the same for all
    rnn, head = nn.RNN(3, 32, batch_first=True), nn.Linear(32, 1)
    x = torch.randn(64, 30, 3)
    y = x.sum(dim=(1, 2))[:, None] / 10
    things = rnn, head, x, y
    rnn, head, x, y = (thing.to(device, torch.float64) for thing in things)
    h_0 = x.new_zeros(1, 64, 32)  # made where x is, as x is
    optimizer = torch.optim.Adam([*rnn.parameters(), *head.parameters()], lr=5e-3)
    losses = []
    for _ in range(100):
        loss = nn.functional.mse_loss(head(rnn(x, h_0)[1][0]), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())  # no .item() here: it would wait for the GPU
    return torch.stack(losses).cpu()


here, reference = train(device), train("cpu")
print(f"ran on {device}: loss {here[0]:.3f} at first, {here[-1]:.3f} at last")
assert torch.allclose(here, reference, rtol=1e-6)
assert here[-1] < here[0] / 2

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

torch.manual_seed(0)
library = ur.RNN(ur.ElmanCell, 3, 32).double()
x = torch.randn(64, 30, 3, dtype=torch.float64)
on_cpu = library(x)[0].detach()
on_device = library.to(device)(x.to(device))[0].detach().cpu()
assert torch.allclose(on_device, on_cpu, atol=1e-10)

# %% tags=["remove-input"]
ran = (
    f"an {torch.cuda.get_device_name()}, and was held against the CPU"
    if device == "cuda"
    else "the CPU: the machine that made this page has no GPU, so here the assertion compares the CPU with itself. On "
    "yours it compares the two"
)
say(f"""
On this page the example ran on {ran}. Don't expect speed from a small network: its steps wait for each other, and a GPU
earns its keep with wide layers and large batches. When you measure, call `torch.cuda.synchronize()` before you read the
clock.
""")

# %% [markdown]
r"""
## Going further: norm and radius (1 minute)

Eigenvalues govern a product of *many* factors; over a few steps the largest singular value does, the norm in {eq}`bound`.
For orthogonal matrices and their multiples the two are the same. For others they are not, and a gradient can grow for a
while before it vanishes:
"""

# %%
W = torch.tensor([[0.8, 4.0], [0.0, 0.8]])
power, bump = torch.eye(2), []
for _ in range(60):
    power = power @ W
    bump.append(torch.linalg.matrix_norm(power, ord=2).item())

assert torch.linalg.eigvals(W).abs().max() < 1  # says: it vanishes,
assert max(bump) > 8  # and so it does, after it has grown
assert bump[-1] < 1e-3

# %% tags=["remove-input"]
say(f"""
The spectral radius of this matrix is 0.8, yet after {int(np.argmax(bump)) + 1} steps its powers stretch a vector by
{max(bump):.1f}, and after 60 by {bump[-1]:.0e}. This is why [Example 1.6](#example-1-6) measures the product itself and
takes the radius as a hint. Pascanu, Mikolov and Bengio (2013) state the conditions: a largest singular value below 1
(for tanh) is *sufficient* for vanishing, and one above 1 is *necessary* for explosion, never sufficient.
""")

# %% [markdown]
"""
## Going further: what a stream keeps in memory (1 minute)

(example-1-12)=
**Example 1.12: what a stream keeps in memory.** PyTorch lets us count the bytes that a forward pass puts aside for the
backward pass: of a stream read whole, in chunks that are cut, and in chunks with `detach` forgotten.
"""

# %% tags=["example"]
# Example 1.12: the bytes that are kept for the backward pass
from weakref import WeakSet

import torch
from torch import nn

torch.manual_seed(0)
rnn = nn.RNNCell(1, 32)


class Kept:
    def __init__(self, tensor):
        self.tensor = tensor


def bytes_kept(length, k, cut=True):
    """The most bytes that wait for a backward pass while the stream is read."""
    alive, most, h = WeakSet(), 0, torch.zeros(16, 32)

    def keep(tensor):  # called for each tensor that is put aside
        kept = Kept(tensor)
        alive.add(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept.tensor):
        for chunk in torch.randn(16, length, 1).split(k, dim=1):
            for x_t in chunk.unbind(dim=1):
                h = rnn(x_t, h)
            sizes = {kept.tensor.data_ptr(): kept.tensor.nbytes for kept in alive}
            most = max(most, sum(sizes.values()))
            h.square().mean().backward(retain_graph=not cut)
            h = h.detach() if cut else h
    return most


lengths = 100, 200, 400, 800
whole = [bytes_kept(n, k=n) for n in lengths]
chunked = [bytes_kept(n, k=20) for n in lengths]
leaking = [bytes_kept(n, k=20, cut=False) for n in lengths]
assert len(set(chunked)) == 1  # constant in the length, to the byte
assert whole[-1] > 6 * whole[0] and leaking[-1] > 6 * leaking[0]

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur
from unrolled.nn import chunks, truncated_bptt

library = ur.RNN(ur.ElmanCell, 1, 32, fused=False)


def library_keeps(length):
    alive, sizes = WeakSet(), []

    def keep(tensor):
        kept = Kept(tensor)
        alive.add(kept)
        return kept

    def loss(output, target):
        kept = {kept.tensor.data_ptr(): kept.tensor.nbytes for kept in alive}
        sizes.append(sum(kept.values()))
        return (output - target).square().mean()

    stream = torch.randn(16, length, 1)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept.tensor):
        for _ in truncated_bptt(library, chunks(20, stream, stream), loss):
            pass
    return max(sizes)


assert library_keeps(100) == library_keeps(800) > 0

# %% tags=["remove-input"]
h = rnn(torch.zeros(1, 1), torch.zeros(1, 32))
h.sum().backward()
try:
    rnn(torch.zeros(1, 1), h).sum().backward()
    stopped = ""
except RuntimeError as error:
    stopped = str(error)
assert stopped.startswith("Trying to backward through the graph a second time")
say(f"""
| length of the stream | {" | ".join(f"{n}" for n in lengths)} |
|---|{"---:|" * len(lengths)}
| the whole at once | {" | ".join(f"{n / 1024:,.0f} KB" for n in whole)} |
| chunks of 20, cut | {" | ".join(f"{n / 1024:,.0f} KB" for n in chunked)} |
| chunks of 20, not cut | {" | ".join(f"{n / 1024:,.0f} KB" for n in leaking)} |

Cut, the memory is the same at any length, to the byte; the last row, with `retain_graph=True`, keeps everything. The test
of yours that catches it is the assertion on `chunked`.
""")

# %% [markdown]
r"""
## Summary

- A recurrent network applies one layer at every step and hands it its own state {eq}`elman`. Unrolled, it is a deep
  network whose layers share their weights.
- Backpropagation through time carries one vector, $\boldsymbol\delta_t$, backwards {eq}`carry`–{eq}`sums`. Finite
  differences are the test; a falling loss is none.
- Over distance a gradient is a product of Jacobians {eq}`jacobian`. It has a half-life: measure it, before you train.
- An orthogonal start keeps gradients alive; clipping survives explosions. Each was worth its line in an ablation over
  five seeds.
- Split by time, scale by the past, stand beside a baseline on the same windows.
- On a stream, carry the state and cut the gradient; the chunk must be longer than what has to be learnt.

## Quiz

<details class="quiz"><summary>1. An Elman network has 3 inputs and 5 units. How many weights has it, and how many more for
a sequence twice as long?</summary>

$5 \cdot 3 + 5 \cdot 5 + 5 = 45$, or 50 in PyTorch, which has two biases. None more: the weights are shared by all steps.

</details>
<details class="quiz"><summary>2. Your backward pass lowers the loss on every run. What do you know about its
gradients?</summary>

Little: they point downhill on the whole. All three broken versions above did so. Compare with finite differences.

</details>
<details class="quiz"><summary>3. The half-life is 4 steps. Which part of a gradient arrives 40 steps back?</summary>

$2^{-10}$, about a thousandth.

</details>
<details class="quiz"><summary>4. Why doesn't clipping help against vanishing gradients?</summary>

It only ever shortens. And scaling all of a gradient up would not help either: what comes from far away would stay as
small beside what comes from near.

</details>
<details class="quiz"><summary>5. You read a stream in chunks, and at each chunk start from a zero state. The loss is worse than
it should be. Why, and what is it to forget <code>detach</code> instead?</summary>

At the start of each chunk the network knows nothing of what came before. Without `detach`, the second backward pass runs
into the graph of the first, which PyTorch has freed: an error, or, with `retain_graph=True`, memory that grows.

</details>

## References

- J. L. Elman (1990). Finding structure in time. *Cognitive Science* 14, 179–211.
  <a href="https://doi.org/10.1207/s15516709cog1402_1">doi:10.1207/s15516709cog1402_1</a>
- D. E. Rumelhart, G. E. Hinton, R. J. Williams (1986). Learning representations by back-propagating errors. *Nature* 323,
  533–536. <a href="https://doi.org/10.1038/323533a0">doi:10.1038/323533a0</a>
- P. J. Werbos (1990). Backpropagation through time: what it does and how to do it. *Proceedings of the IEEE* 78,
  1550–1560. <a href="https://doi.org/10.1109/5.58337">doi:10.1109/5.58337</a>
- Y. Bengio, P. Simard, P. Frasconi (1994). Learning long-term dependencies with gradient descent is difficult. *IEEE
  Transactions on Neural Networks* 5, 157–166. <a href="https://doi.org/10.1109/72.279181">doi:10.1109/72.279181</a>
- R. Pascanu, T. Mikolov, Y. Bengio (2013). On the difficulty of training recurrent neural networks. *ICML*.
  <a href="https://arxiv.org/abs/1211.5063">arXiv:1211.5063</a>
- A. M. Saxe, J. L. McClelland, S. Ganguli (2014). Exact solutions to the nonlinear dynamics of learning in deep linear
  neural networks. *ICLR*. <a href="https://arxiv.org/abs/1312.6120">arXiv:1312.6120</a>
- Q. V. Le, N. Jaitly, G. E. Hinton (2015). A simple way to initialize recurrent networks of rectified linear units.
  <a href="https://arxiv.org/abs/1504.00941">arXiv:1504.00941</a>
- R. J. Williams, J. Peng (1990). An efficient gradient-based algorithm for on-line training of recurrent network
  trajectories. *Neural Computation* 2, 490–501.
  <a href="https://doi.org/10.1162/neco.1990.2.4.490">doi:10.1162/neco.1990.2.4.490</a>
"""

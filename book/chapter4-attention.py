# %% [markdown]
"""
# Chapter 4: Attention mechanism

A network that translates reads the whole sentence, keeps one vector, and writes from memory. People look back at the
source, now here, now there. This chapter lets a network look back. You score, mask and read attention by hand, measure
what it is worth, ask what its map explains, and end where the book began: at a recurrent network.

:::{admonition} This chapter at a glance
:class: card

Difficulty
: intermediate

Time
: 24 minutes: 21 to read text and examples at 200 words a minute, 3 to run them

Examples
: 12, in plain PyTorch; each runs by itself

Contents
: soft look-up · four scores · scale and temperature · masks · alignment · with attention and without · your own sentence ·
  the uniform test · self-attention and positions · heads · a Transformer block · linear attention as a recurrent network

Objectives
: After this chapter you can
  1. write the usual scores by hand, scale them, and choose among them;
  2. mask what is padding or future, and test that nothing leaks;
  3. train a translator with attention, compare it fairly, and read the alignment of *your own* sentence;
  4. tell by a test whether a map of attention matters;
  5. build multi-head self-attention equal to torch's, and turn linear attention into a recurrent network.

Prerequisites
: chapters 1 and 2, or: states, gates, padding; from [chapter 3](chapter3-seq2seq.py): encoder, decoder, teacher forcing
:::

Every example runs from an empty file and asserts what it claims; a folded cell after it holds it against the library.
"""

# %% tags=["remove-cell"]
import logging
from time import process_time

import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.display import HTML, Markdown, display

with plt.rc_context():  # it would be the font of all else
    import matplotlib_fontja  # noqa: F401

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # it isn't bold
plt.rcParams["font.family"] = ["DejaVu Sans", "IPAexGothic"]

clock = {}


def say(text: str) -> None:
    """Text whose numbers come from the cells."""
    display(Markdown(text))


def begun(info) -> None:
    clock.update(cell=info.raw_cell, at=process_time())


def ended(result) -> None:
    if clock.get("cell", "").startswith("# Example"):
        seconds = process_time() - clock["at"]
        spent = f"{seconds:.1f} s" if seconds > 0.1 else "less than 0.1 s"
        display(HTML(f'<p class="cost">{spent} of CPU time</p>'))


get_ipython().events.register("pre_run_cell", begun)
get_ipython().events.register("post_run_cell", ended)

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Circle

MUTED = plt.rcParams["xtick.color"]
SHADES = [(0, to_rgba("C0", 0)), (1, to_rgba("C0", 1))]
SHADES = LinearSegmentedColormap.from_list("weights", SHADES)


def draw_map(ax, weights, most=1.0):
    """A map of attention: a row a step that is written, a column a step that was read."""
    rows, columns = weights.shape
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    shades = ax.pcolormesh(*edges, weights, cmap=SHADES, vmin=0, vmax=most)
    shades.set_antialiased(False)
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ax.spines.values():
        side.set_visible(True)


# %% [markdown]
r"""
## Look back instead of remembering

An encoder has read the source and left one state $\mathbf h_s$ for each of its steps. Without attention the decoder
gets the last of them, and everything must be in there. With attention it gets *all* of them, and at each step $t$ asks:
which matter now? It compares its own state, the **query** $\mathbf q_t$, with each **key** $\mathbf k_s$. That gives
**scores** $e_{ts}$. Softmax turns them into **weights** $\alpha_{ts}$, positive and one in all. The weighted mean of the
**values** $\mathbf v_s$ is the **context**:

$$
\alpha_{ts} = \frac{\exp e_{ts}}{\sum_{s'} \exp e_{ts'}}, \qquad
\mathbf c_t = \sum_s \alpha_{ts} \mathbf v_s .
$$ (attention)

In a translator keys and values are both the encoder's states (Bahdanau, Cho and Bengio 2015). The mean is soft so that it
has a gradient: nobody tells the network where to look, it learns it from the loss.
"""

# %% mystnb={"image": {"alt": "Five encoder states in a row below, over the words my, sister, read, a, newspaper. Above, one decoder state asks. Five lines run up from the states to a plus sign, as thick as their weights: the line from newspaper is by far the thickest. From the plus sign the context goes to the decoder state."}} tags=["remove-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.9))
ax.set(xlim=(-0.8, 8.6), ylim=(-0.75, 3.6), aspect="equal")
ax.axis("off")
words = "my", "sister", "read", "a", "newspaper"
shares = 0.03, 0.05, 0.12, 0.2, 0.6
for s, (word, share) in enumerate(zip(words, shares)):
    x = 1.4 * s
    ax.plot((x, 2.8), (0.36, 2.36), color="C0", linewidth=14 * share, alpha=0.75)
    ax.add_patch(Circle((x, 0), 0.36, facecolor="none", edgecolor="C0", linewidth=1.8))
    ax.text(x, 0, f"$h_{s + 1}$", ha="center", va="center", color="C0", fontsize=10)
    ax.text(x, -0.68, word, ha="center", color=MUTED, fontsize=10)
ax.text(5.15, 1.35, "as thick as its weight", color="C0", fontsize=10)
ax.add_patch(Circle((2.8, 2.65), 0.3, facecolor="none", edgecolor="C2", linewidth=1.8))
ax.text(2.8, 2.65, "+", ha="center", va="center", color="C2")
ax.annotate(
    "",
    (6.3, 2.65),
    (3.1, 2.65),
    arrowprops={"arrowstyle": "-|>", "color": "C2", "linewidth": 1.8},
)
ax.text(4.7, 2.9, "the context $c_t$", ha="center", color="C2", fontsize=10)
ax.add_patch(Circle((6.7, 2.65), 0.4, facecolor="none", edgecolor="C1", linewidth=1.8))
ax.text(6.7, 2.65, "$q_t$", ha="center", va="center", color="C1", fontsize=10)
ax.text(7.25, 2.65, "asks", va="center", color="C1", fontsize=10)
plt.show()

# %% [markdown]
"""
(example-4-1)=
**Example 4.1: a soft look-up.** A dictionary returns the value of the key that fits. Attention returns a mean of all
values, and the more strongly it asks, the more it becomes a dictionary.
"""

# %% tags=["example"]
# Example 4.1: a look-up that is soft, and one that is nearly exact
import torch

keys = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # (src, feature)
values = torch.tensor([[10.0, 0.0], [20.0, 5.0], [40.0, 0.0]])


def look_up(query):
    e = keys @ query  # a score for each key
    weights = e.exp() / e.exp().sum()  # softmax
    return weights @ values, weights  # the context, a weighted mean


for strength in (0.0, 1.0, 3.0, 30.0):
    context, weights = look_up(strength * keys[1])
    shown, mean = weights.numpy().round(2), context.numpy().round(1)
    print(f"asks {strength:2.0f} × key 2: weights {shown}, context {mean}")
    assert torch.isclose(weights.sum(), torch.tensor(1.0))

assert torch.allclose(look_up(torch.zeros(2))[0], values.mean(dim=0))  # asks nothing
assert torch.allclose(context, values[1])  # asks loudly: as a dictionary does

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

theirs, weights_ = ur.DotAttention()(30 * keys[None, 1:2], keys[None], values[None])
assert torch.allclose(theirs[0, 0], context)
assert torch.allclose(weights_[0, 0], weights)

# %% [markdown]
r"""
## Four ways to score

What makes a key fit a query? With $W$, $U$ and $\mathbf v$ learnt:

$$
\begin{aligned}
e_{ts} &= \mathbf q_t \cdot \mathbf k_s & &\text{dot (Luong, Pham and Manning 2015),} \\
e_{ts} &= \mathbf q_t \cdot \mathbf k_s / \sqrt{d} & &\text{scaled dot (Vaswani and others 2017),} \\
e_{ts} &= \mathbf q_t \cdot W \mathbf k_s & &\text{general (Luong, Pham and Manning 2015),} \\
e_{ts} &= \mathbf v \cdot \tanh(W \mathbf q_t + U \mathbf k_s) & &\text{additive (Bahdanau, Cho and Bengio 2015).}
\end{aligned}
$$ (scores)

The dot product is one matrix product for all steps and has no weights, but needs queries and keys of one size, in one
language. *General* translates between two. *Additive* is a small network that may learn any comparison, and makes a tensor
of all pairs.

(example-4-2)=
**Example 4.2: the four by hand,** pair by pair as the equations have it, and all pairs at once.
"""

# %% tags=["example"]
# Example 4.2: four scores, pair by pair and all at once
import torch

torch.manual_seed(0)
tgt, src, d, hidden = 3, 5, 4, 6
Q, K = torch.randn(tgt, d), torch.randn(src, d)  # queries and keys
G = torch.randn(d, d)  # of "general"
W, U, v = torch.randn(hidden, d), torch.randn(hidden, d), torch.randn(hidden)

pair = {
    "dot": lambda q, k: q @ k,
    "scaled-dot": lambda q, k: q @ k / d**0.5,
    "general": lambda q, k: q @ (G @ k),
    "additive": lambda q, k: v @ (W @ q + U @ k).tanh(),
}
every = {
    "dot": Q @ K.T,
    "scaled-dot": Q @ K.T / d**0.5,
    "general": Q @ (K @ G.T).T,
    "additive": ((Q @ W.T)[:, None] + (K @ U.T)[None]).tanh() @ v,  # (tgt, src)
}
for name, score in pair.items():
    e = torch.stack([torch.stack([score(q, k) for k in K]) for q in Q])
    assert torch.allclose(e, every[name], atol=1e-5)

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

general, additive = ur.GeneralAttention(d, d), ur.AdditiveAttention(d, d, hidden)
general.load_state_dict({"weight.weight": G})
additive.load_state_dict({"query.weight": W, "key.weight": U, "score.weight": v[None]})
kinds = {"general": general, "additive": additive, "dot": ur.DotAttention()}
kinds["scaled-dot"] = ur.DotAttention(scaled=True)
for name, attention in kinds.items():
    context_, weights_ = attention(Q[None], K[None])
    assert torch.allclose(weights_[0], every[name].softmax(dim=1), atol=1e-5)
    assert torch.allclose(context_[0], every[name].softmax(dim=1) @ K, atol=1e-5)

# %% [markdown]
r"""
### Scale and temperature

Why $\sqrt d$? A dot product of two vectors of $d$ independent numbers of variance 1 has variance $d$. Large scores make
softmax all but a choice of one. And where one weight is 1, no gradient comes back:
$\partial \alpha_s / \partial e_s = \alpha_s (1 - \alpha_s)$.

(example-4-3)=
**Example 4.3: how softmax hardens** with the size, and how the scale keeps it soft. Ten random keys: there is nothing to
be found in them.
"""

# %% tags=["example"]
# Example 4.3: scores grow with the size, and softmax hardens
import torch

torch.manual_seed(0)
sizes, src, draws = (4, 16, 64, 256, 1024), 10, 2000
largest, slope = {}, {}
for d in sizes:
    query, keys = torch.randn(draws, 1, d), torch.randn(draws, src, d)
    e = (query @ keys.mT)[:, 0]  # (draws, src)
    assert abs(e.var() / d - 1) < 0.1  # the variance is d
    for name, scores in (("dot", e), ("scaled", e / d**0.5)):
        weights = scores.softmax(dim=1)
        largest[name, d] = weights.max(dim=1).values.mean().item()
        slope[name, d] = (weights * (1 - weights)).sum(dim=1).mean().item()
assert largest["dot", 1024] > 0.9 and slope["dot", 1024] < 0.1
assert all(largest["scaled", d] < 0.5 for d in sizes)  # whatever the size
assert slope["scaled", 1024] > 5 * slope["dot", 1024]

e = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0])
warmth = {tau: (e / tau).softmax(dim=0) for tau in (0.2, 1.0, 5.0)}
assert warmth[0.2][0] > 0.98 and warmth[5.0].max() < 0.3

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

for scaled, mine in ((False, "dot"), (True, "scaled")):
    _, weights_ = ur.DotAttention(scaled=scaled)(query, keys)
    found = weights_.max(dim=2).values.mean().item()
    assert abs(found - largest[mine, sizes[-1]]) < 1e-4

# %% mystnb={"image": {"alt": "Left: the largest of ten weights against the size d, from 4 to 1024. Without scale it rises from about one half to nearly one; with the scale it stays flat at about a third. Right: five weights of the same scores at three temperatures: at one fifth the first has nearly everything, at 5 all are nearly alike."}} tags=["hide-input"]
fig, (ax, right) = plt.subplots(1, 2, figsize=(6.6, 3.0), width_ratios=[3, 2.4])
for name, colour in (("dot", "C1"), ("scaled", "C0")):
    line = [largest[name, d] for d in sizes]
    ax.semilogx(sizes, line, color=colour, marker="o", markersize=4, base=2)
    ax.text(64, line[2] + (0.06 if name == "scaled" else -0.1), name, color=colour)
ax.set_xticks(sizes, [str(d) for d in sizes])
ax.minorticks_off()
ax.set_ylim(0, 1.05)
ax.set_xlabel("size d of query and key")
ax.set_title("Largest of ten weights")
for n, (tau, weights) in enumerate(warmth.items()):
    colour = ("C1", "C0", "C2")[n]
    right.plot(range(1, 6), weights, color=colour, marker="o", markersize=4)
    place = ((1.25, 0.93), (1.75, 0.42), (3.1, 0.23))[n]
    right.text(*place, f"temperature {tau:g}", color=colour)
right.set_xticks(range(1, 6))
right.set_ylim(0, 1.05)
right.set_xlabel("key")
right.set_title("One set of scores")
plt.show()

# %% tags=["remove-input"]
say(f"""
With {sizes[-1]:,} units the largest of ten meaningless weights is {largest["dot", 1024]:.2f}, and the slopes add up to
{slope["dot", 1024]:.3f}: such an attention has decided before it has learnt. Scaled, they are {largest["scaled", 1024]:.2f} and
{slope["scaled", 1024]:.2f} at any size. To divide scores by a number $\\tau$ is to set the **temperature** of softmax: low, it
picks; high, it averages.
""")

# %% [markdown]
r"""
### Masks

Padding has keys too. A **mask** says which are real. It belongs *before* softmax: a score of $-\infty$ becomes a weight of
exactly 0, and the others still add up to one.

(example-4-4)=
**Example 4.4: padding gets nothing.** The law to test: a row in a batch gives what it gives alone. Two traps beside it: a
weight of 0 doesn't stop a NaN, and a row with nothing real has no softmax.
"""

# %% tags=["example"]
# Example 4.4: a mask, and the law that tests it
import torch

torch.manual_seed(0)
query, keys = torch.randn(2, 1, 4), torch.randn(2, 6, 4)
real = torch.arange(6) < torch.tensor([6, 3])[:, None]  # True where the data is real


def attend(query, keys, real):
    e = (query @ keys.mT).masked_fill(~real[:, None], -torch.inf)  # before softmax
    weights = e.softmax(dim=2)  # over the keys
    return weights @ keys, weights


def zeroed_after(query, keys, real):
    weights = (query @ keys.mT).softmax(dim=2) * real[:, None]  # too late
    return weights @ keys, weights


context, weights = attend(query, keys, real)
late, late_weights = zeroed_after(query, keys, real)
alone, _ = attend(query[1:], keys[1:, :3], real[1:, :3])  # without its padding
assert (weights[1, 0, 3:] == 0).all() and (late_weights[1, 0, 3:] == 0).all()
assert torch.allclose(weights.sum(dim=2), torch.ones(2, 1))
assert torch.allclose(context[1:], alone)  # the law
assert not torch.allclose(late[1:], alone, atol=0.01)  # zeros, and yet wrong

keys[1, 3:] = torch.nan  # whatever lies there must not matter
assert attend(query, keys, real)[0][1].isnan().all()  # but 0 × NaN is NaN
clean = keys.masked_fill(~real[:, :, None], 0.0)
assert torch.allclose(attend(query, clean, real)[0][1:], alone)
assert torch.full((3,), -torch.inf).softmax(dim=0).isnan().all()  # nothing is real

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

context_, weights_ = ur.DotAttention()(query, keys, mask=real)  # with the NaN in it
assert torch.allclose(context_, context) and torch.allclose(weights_, weights)
nothing = torch.zeros(2, 6, dtype=torch.bool)
assert (ur.DotAttention()(query, keys, mask=nothing)[1] == 0).all()

# %% [markdown]
"""
Mind the sign: in this book, and in torch's `scaled_dot_product_attention`, True means *real*; in `nn.MultiheadAttention`
True means *padding*. The library's scores and masks are in `src/unrolled/nn/attention.py`.

## Attention finds the way by itself

(example-4-5)=
**Example 4.5: read backwards.** A row of random symbols comes in and is to be written in reverse. The encoder is a GRU in
two directions, the decoder a GRU with teacher forcing, the score a dot product. Rows of a batch are of one length, so this
time there is no padding.
"""

# %% tags=["example"]
# Example 4.5: attention learns to read backwards
import torch
from torch import nn

symbols, hidden = 10, 48


class Reverser(nn.Module):
    def __init__(self):
        super().__init__()
        both = {"batch_first": True, "bidirectional": True}
        self.source = nn.Embedding(symbols, hidden)
        self.target = nn.Embedding(symbols + 1, hidden)  # one more: the beginning
        self.encoder = nn.GRU(hidden, hidden // 2, **both)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.combine = nn.Linear(2 * hidden, hidden)
        self.output = nn.Linear(hidden, symbols + 1)

    def forward(self, x, y):
        h, last = self.encoder(self.source(x))  # keys and values
        before = nn.functional.pad(y[:, :-1], (1, 0), value=symbols)
        s, _ = self.decoder(self.target(before), torch.cat([*last], dim=1)[None])
        weights = (s @ h.mT).softmax(dim=2)  # (batch, tgt, src)
        o = self.combine(torch.cat([weights @ h, s], dim=2)).tanh()
        return self.output(o), weights


torch.manual_seed(0)
net = Reverser()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(250):
    x = torch.randint(symbols, (64, int(torch.randint(2, 13, ()))))
    loss = nn.functional.cross_entropy(net(x, x.flip(1))[0].mT, x.flip(1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()

x = torch.randint(symbols, (500, 12))
z, weights = net(x, x.flip(1))
right = (z.argmax(dim=2) == x.flip(1)).float().mean().item()
mirror = weights.flip(2).diagonal(dim1=1, dim2=2).mean().item()
assert right > 0.85 and mirror > 0.4  # uniform weights have 1 / 12 there

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

sizes_ = {"embedding": hidden, "hidden": hidden, "tied": False}
library = ur.Seq2Seq(ur.GRUCell, symbols, symbols + 1, attention="dot", **sizes_)
library.load_state_dict(net.state_dict())
before = nn.functional.pad(x.flip(1)[:, :-1], (1, 0), value=symbols)
said, weights_ = library(x, torch.full((500,), 12), before)
assert torch.allclose(weights_, weights, atol=1e-5)
assert torch.allclose(library.project(said), z, atol=1e-4)

# %% mystnb={"image": {"alt": "The map of attention for one row of twelve symbols, the symbols written down its left side in reverse. The dark cells run from the top right corner to the bottom left one: when the first symbol is written, the last that was read is looked at, and so on."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(4.2, 3.9))
draw_map(ax, weights[0].detach())
ax.set_xticks(range(12), [str(v) for v in x[0].tolist()])
ax.set_yticks(range(12), [str(v) for v in x[0].flip(0).tolist()])
ax.xaxis.tick_top()
ax.set_title("read →", fontweight="normal", color=MUTED)
ax.set_ylabel("← written", color=MUTED)
plt.show()

# %% tags=["remove-input"]
say(f"""
After 250 batches {right:.2f} of the symbols are right, and {mirror:.2f} of the weight lies on the antidiagonal, the one place
where the answer is. The network has learnt a pointer that walks backwards, from nothing but the loss.
""")

# %% [markdown]
r"""
### Break it: the mask

Now rows have lengths from 2 to 12, and are padded. Choose how scores become weights. Each network is trained anew and
tested on the same rows: with teacher forcing; *word by word*, where the decoder reads what it wrote itself; and by the law
of [Example 4.4](#example-4-4), with 30 more steps of padding. The map is that of a row of six.
"""

# %% tags=["remove-cell"]
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

WEIGHS = {
    "masked softmax": lambda e, real: e.masked_fill(~real, -torch.inf).softmax(dim=2),
    "no mask": lambda e, real: e.softmax(dim=2),
    "over the wrong axis": lambda e, real: (
        e.masked_fill(~real, -1e9).softmax(dim=1) * real
    ),
}


class Padded(Reverser):
    """The network of Example 4.5 for rows of different lengths."""

    def __init__(self, weigh):
        super().__init__()
        self.weigh = weigh

    def forward(self, x, y, n):
        packed = pack_padded_sequence(self.source(x), n, True, enforce_sorted=False)
        h, last = self.encoder(packed)
        h, _ = pad_packed_sequence(h, True, total_length=x.shape[1])
        before = nn.functional.pad(y[:, :-1], (1, 0), value=symbols).clamp(min=0)
        s, _ = self.decoder(self.target(before), torch.cat([*last], dim=1)[None])
        real = torch.arange(x.shape[1]) < n[:, None]
        weights = self.weigh(s @ h.mT, real[:, None])
        o = self.combine(torch.cat([weights @ h, s], dim=2)).tanh()
        return self.output(o), weights


def padded_batch(rows, T=12):
    n, t = torch.randint(2, T + 1, (rows, 1)), torch.arange(T)
    x = torch.randint(symbols, (rows, T))
    y = x.gather(1, (n - 1 - t).clamp(min=0)).masked_fill(t >= n, -100)
    return x, y, n[:, 0]


def share_right(z, y):
    return (z.argmax(dim=2) == y)[y >= 0].float().mean().item()


masks = {}


def mask_switch(name):
    """The picture and the numbers of one way to make weights of scores."""
    torch.manual_seed(0)
    net = Padded(WEIGHS[name])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(250):
        x, y, n = padded_batch(64)
        loss = nn.functional.cross_entropy(net(x, y, n)[0].mT, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        x, y, n = padded_batch(500)
        z, weights = net(x, y, n)
        further = nn.functional.pad(x, (0, 30))
        written = torch.zeros_like(y)
        for t in range(y.shape[1]):
            written[:, t] = net(x, written[:, : t + 1], n)[0][:, t].argmax(dim=1)
        change = (net(further, y, n)[0].softmax(dim=2) - z.softmax(dim=2)).abs()
        tests = share_right(z, y), change[y >= 0].max().item()
        tests += ((written == y)[y >= 0].float().mean().item(),)
        row = int((n == 6).nonzero()[0])
        sums = weights[row, :6].sum(dim=1)
    masks[name] = *tests, (sums - 1).abs().max().item()
    _, ax = plt.subplots(figsize=(4.6, 2.7))
    draw_map(ax, weights[row, :6])
    ax.set_xticks(range(12), [*map(str, x[row, :6].tolist()), *"······"])
    ax.set_yticks(range(6), [str(v) for v in y[row, :6].tolist()])
    ax.axvline(5.5, color=MUTED, linewidth=1, linestyle=":")
    ax.xaxis.tick_top()
    ax.text(8.5, 5.2, "padding", ha="center", color=MUTED)
    plt.show()
    say(
        f"Right with teacher forcing: **{tests[0]:.2f}**; word by word: **{tests[2]:.2f}**. Padded by 30 more, a probability "
        f"changes by up to **{tests[1]:.2g}**. The rows of the map add up to {sums.min():.2f} to {sums.max():.2f}."
    )


# %% tags=["remove-input", "switch"] switch="Weights: masked softmax" mystnb={"image": {"alt": "Masked before softmax: the six rows walk back from the sixth column to the first; the columns of padding are empty"}}
mask_switch("masked softmax")

# %% tags=["remove-input", "switch"] switch="Weights: no mask" mystnb={"image": {"alt": "No mask: the rows walk back as well, paler at places, and the columns of padding have a faint tint"}}
mask_switch("no mask")

# %% tags=["remove-input", "switch"] switch="Weights: over the wrong axis" mystnb={"image": {"alt": "Softmax over the steps that are written instead of those that are read"}}
mask_switch("over the wrong axis")

# %% tags=["remove-input"]
whole, none_, wrong = masks.values()  # right, law, word by word, sums
assert whole[1] < 1e-4 and whole[2] > 0.8
assert none_[1] > 1e-3 and none_[0] > whole[0] - 0.1
assert wrong[0] > 0.9 and wrong[2] < 0.6 and wrong[3] > 0.1
better = wrong[0] > max(whole[0], none_[0])
say(f"""
Neither mistake shows in training. Without a mask the network learns by itself to give padding little, and {none_[0]:.2f} are
right; but what it says of a row now depends on its neighbours in the batch. Softmax over the wrong axis reaches
{wrong[0]:.2f}{", the best of all," if better else ""} because it cheats: each weight is divided by a sum over the steps *yet to be written*.
Left to itself it falls to {wrong[2]:.2f}. Three tests of yours catch them: the law of [Example 4.4](#example-4-4), sums of
one a row, and writing step by step, which must equal the pass with teacher forcing.
""")

# %% [markdown]
r"""
## With attention and without

What is it worth? Without attention the same network gets the encoder's last states as its context, at every step, as in Cho
and others (2014). A third arm has *uniform* weights: it sees all states, but can't choose.

(example-4-6)=
**Example 4.6: three ways to look back, by length.** All have the same weights to learn and the same 200 batches; for each the
learning rate is chosen from the same three, by short runs; then three seeds. Lengths above 12 are not trained on.
"""

# %% tags=["example"]
# Example 4.6: attention, uniform weights, or the last states alone
import torch
from torch import nn

hidden, lengths, seeds = 48, (4, 8, 12, 16, 20), range(3)
ways, rates = ("attention", "uniform", "none"), (3e-3, 1e-2, 3e-2)


class Reverser(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way, both = way, {"batch_first": True, "bidirectional": True}
        self.source, self.target = nn.Embedding(10, hidden), nn.Embedding(11, hidden)
        self.encoder = nn.GRU(hidden, hidden // 2, **both)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.combine, self.output = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, 11)

    def forward(self, x, y):
        h, last = self.encoder(self.source(x))
        last = torch.cat([*last], dim=1)  # where both directions end
        before = nn.functional.pad(y[:, :-1], (1, 0), value=10)
        s, _ = self.decoder(self.target(before), last[None])
        e = s @ h.mT * (self.way == "attention")  # scores of 0: all are alike
        c = last[:, None].expand_as(s) if self.way == "none" else e.softmax(dim=2) @ h
        return self.output(self.combine(torch.cat([c, s], dim=2)).tanh())


def ask(net, length, rows=64):
    x = torch.randint(10, (rows, length))
    z, y = net(x, x.flip(1)), x.flip(1)
    return nn.functional.cross_entropy(z.mT, y), (z.argmax(dim=2) == y).float().mean()


def train(way, rate, seed, steps=200):
    torch.manual_seed(seed)
    net = Reverser(way)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        ask(net, int(torch.randint(2, 13, ())))[0].backward()
        optimizer.step()
    return net


rate, nets, hits = {}, {}, {}
for way in ways:
    rate[way] = min(rates, key=lambda r: ask(train(way, r, 9, 60), 8, 500)[0])
    nets[way] = [train(way, rate[way], seed) for seed in seeds]
    hits[way] = torch.tensor([[ask(n, T, 500)[1] for T in lengths] for n in nets[way]])
assert hits["attention"][:, 2:].min() > hits["none"][:, 2:].max() + 0.1

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

sizes_ = {"embedding": hidden, "hidden": hidden, "tied": False}
x = torch.randint(10, (4, 9))
y = x.flip(1)
before = nn.functional.pad(y[:, :-1], (1, 0), value=10)
for way, attention in (("attention", "dot"), ("none", None)):
    for net in nets[way]:
        library = ur.Seq2Seq(ur.GRUCell, 10, 11, attention=attention, **sizes_)
        library.load_state_dict(net.state_dict())
        said, _ = library(x, torch.full((4,), 9), before)
        assert torch.allclose(library.project(said), net(x, y), atol=1e-4)

# %% mystnb={"image": {"alt": "Share of right symbols against the length of the row, 4 to 20, three seeds each. With attention the lines stay high, and fall little beyond the longest trained length of 12, which a dotted line marks. Uniform weights and no attention fall together from near one at 4 to about six tenths at 12 and four tenths at 20."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 3.1))
for way, colour in (("attention", "C0"), ("uniform", "C2"), ("none", "C1")):
    ax.plot(lengths, hits[way].T, color=colour, linewidth=1.2, marker="o", markersize=3)
ax.text(20.4, hits["attention"][:, -1].mean(), "attention", color="C0", va="center")
low = hits["none"][:, -1].mean().item()
ax.text(20.4, low + 0.03, "uniform", color="C2", va="center")
ax.text(20.4, low - 0.05, "none", color="C1", va="center")
ax.axvline(12, color=MUTED, linewidth=1, linestyle=":")
ax.text(12.15, 0.14, "longest in training", color=MUTED)
ax.set(xlim=(3.5, 22.9), ylim=(0, 1.05), xlabel="length of the row")
ax.set_xticks(lengths)
ax.set_title("Right symbols, three seeds")
plt.show()

# %% tags=["remove-input"]
with torch.no_grad():
    swapped = []
    for net in nets["attention"]:
        net.way = "uniform"  # at test alone
        swapped.append([ask(net, T, 500)[1] for T in lengths])
        net.way = "attention"
swapped = torch.tensor(swapped)
assert hits["attention"][:, 3:].min() > 0.7  # "keeps"
assert (hits["uniform"] - hits["none"]).mean(dim=0).abs().max() < 0.08  # no better
assert (swapped.max(dim=0).values < hits["uniform"].min(dim=0).values).all()


def spread(values):
    return f"{values.mean():.2f} ± {values.std():.2f}"


say(f"""
At length 12: attention {spread(hits["attention"][:, 2])}, uniform weights {spread(hits["uniform"][:, 2])}, none
{spread(hits["none"][:, 2])}. At 20, beyond all training: {spread(hits["attention"][:, 4])}, {spread(hits["uniform"][:, 4])} and
{spread(hits["none"][:, 4])}. One vector of {hidden} numbers holds a short row and spills over at a longer one; a pointer doesn't
care. To see *all* states helps no more than to see the last, so what attention brings is the *choice*.
""")

# %% [markdown]
"""
### English to Japanese

Now real text, by the library: 4,000 pairs of up to 12 words from the package's phrasebook. The same network twice: with dot
attention, and with the context vector alone.
"""

# %%
import unrolled as ur
from unrolled.data import phrasebook


def short(pairs):
    kept = [p for p in pairs if len(phrasebook.tokens(p.english)) <= 12]
    return [p.english for p in kept], [p.japanese for p in kept]


book = phrasebook.load()
train_on = tuple(side[:4000] for side in short(book.train))
dev, test_on = short(book.dev), short(book.test)


def translator(attention, rate, seed=0):
    new = ur.Translator(
        "gru",
        hidden=96,
        attention=attention,
        tokenizer="unigram",
        vocabulary=1000,
        dropout=0.1,
        choose_by="loss",
        training=ur.TrainingSettings(
            epochs=3, learning_rate=rate, batch_size=32, seed=seed, threads=1
        ),
    )
    return new.fit(*train_on, dev=tuple(side[:50] for side in dev))


# %% [markdown]
"""
Each is tuned alike: three learning rates, and BLEU on dev decides. Then a second seed at the rate found.
"""

# %%
tuned, on_dev = {}, {}
for rate_ in (0.01, 0.02, 0.04):
    tuned["dot", rate_] = translator("dot", rate_)
    on_dev["dot", rate_] = tuned["dot", rate_].score(*dev, beam=1).value()

# %%
for rate_ in (0.01, 0.02, 0.04):
    tuned[None, rate_] = translator(None, rate_)
    on_dev[None, rate_] = tuned[None, rate_].score(*dev, beam=1).value()

# %%
from unrolled.text.quality import by_length, compare

chosen, scored = {}, {}
for kind in ("dot", None):
    chosen[kind] = max((0.01, 0.02, 0.04), key=lambda rate_: on_dev[kind, rate_])
    pair_ = tuned[kind, chosen[kind]], translator(kind, chosen[kind], seed=1)
    scored[kind] = [each.score(*test_on, beam=1) for each in pair_]

gains = [compare(a, b)[0] for a, b in zip(scored["dot"], scored[None])]
for gain in gains:
    print(gain.sentence(("with attention", "without")))
    assert gain.low > 0  # the interval excludes zero

# %% tags=["remove-input"]
words_ = np.array([len(phrasebook.tokens(text)) for text in test_on[0]])
binned = {k: by_length(scored[k][0], words_, edges=(6, 9, 12)) for k in ("dot", None)}
lines = "\n".join(
    f"| {max(a.low, min(words_))} to {a.high} | {a.count} | {a.scores[0].value:.1f} ({a.scores[0].low:.1f} to "
    f"{a.scores[0].high:.1f}) | {b.scores[0].value:.1f} ({b.scores[0].low:.1f} to {b.scores[0].high:.1f}) |"
    for a, b in zip(binned["dot"], binned[None])
)
rates_ = "\n".join(
    f"| {name} | "
    + " | ".join(f"{on_dev[kind, r]:.1f}" for r in (0.01, 0.02, 0.04))
    + " |"
    for kind, name in (("dot", "with attention"), (None, "without"))
)
assert all(a.scores[0].value > b.scores[0].value for a, b in zip(*binned.values()))
bleu = {k: [s.value() for s in scored[k]] for k in scored}
say(f"""
BLEU on dev, by learning rate:

| | {" | ".join(f"{r:g}" for r in (0.01, 0.02, 0.04))} |
|---|---:|---:|---:|
{rates_}

BLEU on {len(words_)} test sentences, each with a combination of words that training never shows: {bleu["dot"][0]:.1f} and {bleu["dot"][1]:.1f} with
attention (two seeds), {bleu[None][0]:.1f} and {bleu[None][1]:.1f} without. By length of the English, with 95% intervals, first seed:

| words | sentences | with attention | without |
|---|---:|---:|---:|
{lines}

With attention it is better at every length here. The bootstrap draws sentences, so its interval says nothing of seeds: hence
two. Both are far from done after 3 epochs.
""")

# %% [markdown]
"""
### Your own sentence

Put in what you like; the words should be the phrasebook's.
"""

# %%
mine = "My sister read a newspaper in the kitchen."
translators = tuned["dot", chosen["dot"]], tuned[None, chosen[None]]
best = translators[0].attention(mine)
print(best.text)

# %% mystnb={"image": {"alt": "The map of attention of the sentence: the pieces of the English along the top, those of the Japanese translation down the side. The map is far from a diagonal: the place comes early in the Japanese, and the verb, second in English, near the end."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(5.4, 0.32 * len(best.pieces) + 1.1))
draw_map(ax, best.attention)
english = [piece.replace("▁", "") for piece in best.source]
ax.set_xticks(range(len(english)), english, rotation=40, ha="left")
ends_ = ["(end)" if piece == "</s>" else piece for piece in best.pieces]
ax.set_yticks(range(len(ends_)), ends_)
ax.xaxis.tick_top()
plt.show()

# %% tags=["remove-input"]
peaks = best.attention.max(dim=1)
clear = [
    n for n in peaks.values.argsort(descending=True).tolist() if n + 1 < len(ends_)
]
shown_ = ", ".join(
    f"{ends_[n]} at *{english[int(peaks.indices[n])]}* ({peaks.values[n]:.2f})"
    for n in clear[:3]
)
say(f"""
Each row is a step of writing, and adds up to one. The clearest rows look: {shown_}. Words that are not in the pieces' list come
in parts, on either side. A row that is pale everywhere looks at nothing in particular: what it writes may follow from what is
written already.
""")

# %% [markdown]
"""
The same by command. It reads the run that `save` writes, prints each piece with what was looked at most, and writes a page
with the map and the tree of the beam:
"""

# %%
import json
import subprocess
from pathlib import Path

translators[0].save("runs/attention")
translators[1].save("runs/vector")


def command(line, *more):
    ran = subprocess.run(
        [*line.split(), *more], capture_output=True, text=True, check=True
    )
    return ran.stdout


told = command("unrolled translate explain runs/attention", mine)
print(told.partition("What else")[0].strip())
assert told.startswith(best.text)  # as by call

for name, lines_ in zip(("test.en", "test.ja"), test_on):
    Path(name).write_text("\n".join(lines_) + "\n", encoding="utf-8")
line = "unrolled translate score runs/attention --source test.en --reference test.ja"
told = json.loads(command(line + " --beam 1 --against runs/vector --json"))
assert abs(told["against"]["BLEU"]["value"] - gains[0].value) < 1e-9

# %% [markdown]
"""
And training by command: `unrolled translate train --source few.en --target few.ja --attention dot`.
"""

# %% tags=["hide-input"] mystnb={"code_prompt_show": "Show how it is held against the same by call"}
for name, lines_ in zip(("few.en", "few.ja"), train_on):
    Path(name).write_text("\n".join(lines_[:300]) + "\n", encoding="utf-8")
line = "unrolled translate train --source few.en --target few.ja --cell gru"
command(line + " --attention dot --hidden 16 --epochs 1 --out runs/few")

once = ur.TrainingSettings(epochs=1)
by_call = ur.Translator("gru", attention="dot", hidden=16, training=once)
by_call.fit("few.en", "few.ja")
assert by_call.evaluation == ur.load("runs/few").evaluation

# %% [markdown]
r"""
## Does the map explain anything?

A map looks like an explanation. Is it one? Jain and Wallace (2019) found that in classifiers quite different weights often
give the same answer; Wiegreffe and Pinter (2019) replied with a test to run first: *put uniform weights in*. If nothing is
lost, the map had nothing to explain.
"""

# %% tags=["remove-cell"]
from unrolled.nn.attention import DotAttention


class Uniform(DotAttention):
    def scores(self, query, prepared):
        return 0 * super().scores(query, prepared)


network = translators[0].network
learnt_attention, network.attention = network.attention, Uniform()
uniform_bleu = translators[0].score(*test_on, beam=1).value()
network.attention = learnt_attention
assert translators[0].score(*test_on, beam=1).value() == scored["dot"][0].value()

# %% tags=["remove-input"]
assert uniform_bleu < bleu["dot"][0] - 8 and uniform_bleu < bleu[None][0]
say(f"""
First our two tasks of writing. Uniform weights put into the *trained* reversers of [Example 4.6](#example-4-6) bring
them from {spread(hits["attention"][:, 2])} to {spread(swapped[:, 2])} at length 12; *trained* with uniform weights they come
to {spread(hits["uniform"][:, 2])}. The translator falls from {bleu["dot"][0]:.1f} BLEU to {uniform_bleu:.1f}, below the one
that never had attention. There the weights do work.
""")

# %% [markdown]
"""
(example-4-7)=
**Example 4.7: a map that explains nothing.** A classifier: are there more ones than zeros among 15? A GRU in two directions
reads, additive attention pools its states, as in the studies above. Compared: its own weights, uniform ones at test, and
networks trained with uniform ones; three seeds.
"""

# %% tags=["example"]
# Example 4.7: the uniform test on a classifier
import torch
from torch import nn

T, hidden, seeds = 15, 16, range(3)


def batch(rows):
    x = torch.randint(2, (rows, T))
    return x, (x.sum(dim=1) > T // 2).float()


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        both = {"batch_first": True, "bidirectional": True}
        self.table, self.gru = nn.Embedding(2, 16), nn.GRU(16, hidden // 2, **both)
        self.score = nn.Sequential(
            nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1)
        )
        self.head = nn.Linear(hidden, 1)

    def forward(self, x, uniform=False):
        h, _ = self.gru(self.table(x))
        e = self.score(h)[:, :, 0] * (not uniform)
        weights = e.softmax(dim=1)  # (batch, src): one query, learnt
        return self.head((weights[:, None] @ h)[:, 0])[:, 0], weights


def train(uniform, seed):
    torch.manual_seed(seed)
    net = Classifier()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(150):
        x, y = batch(64)
        z, _ = net(x, uniform)
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(z, y).backward()
        optimizer.step()
    return net


def right(net, uniform):
    return ((net(x, uniform)[0] > 0) == (y > 0)).float().mean().item()


own, plain = ([train(uniform, seed) for seed in seeds] for uniform in (False, True))
x, y = batch(2000)
found = torch.tensor(
    [[right(a, 0), right(a, 1), right(b, 1)] for a, b in zip(own, plain)]
)
assert found.min() > 0.85 and found[:, 2].min() > found[:, 0].min() - 0.05

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

net = own[0]
additive = ur.AdditiveAttention(1, hidden, hidden)  # the query is the number 1
additive.load_state_dict(
    {
        "query.weight": net.score[0].bias[:, None],
        "key.weight": net.score[0].weight,
        "score.weight": net.score[2].weight,
    }
)
library = ur.RNN(ur.GRUCell, 16, hidden // 2, bidirectional=True)
library.load_state_dict(net.gru.state_dict())
h, _ = library(net.table(x))
context_, weights_ = additive(torch.ones(len(x), 1, 1), h)
assert torch.allclose(weights_[:, 0], net(x)[1], atol=1e-4)
assert torch.allclose(net.head(context_[:, 0])[:, 0], net(x)[0], atol=1e-3)

# %% mystnb={"image": {"alt": "The weights of three seeds on one and the same row of 15 digits, a row of shaded cells a seed. A few cells are dark, much the same ones in all seeds, and most are pale."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 1.7))
one_row = torch.stack([net(x[:1])[1][0] for net in own]).detach()
draw_map(ax, one_row, most=one_row.max().item())
ax.set_xticks(range(T), [str(v) for v in x[0].tolist()])
ax.set_yticks(range(3), [f"seed {seed}" for seed in seeds])
ax.xaxis.tick_top()
plt.show()

# %% tags=["remove-input"]
maps = torch.stack([net(x)[1] for net in own]).detach()  # (seed, batch, src)
apart = [
    np.corrcoef(maps[a].flatten(), maps[b].flatten())[0, 1]
    for a, b in ((0, 1), (0, 2), (1, 2))
]
most = maps.max(dim=2).values.mean(dim=1)
with torch.no_grad():
    flips = []  # how far the answer moves where one digit is flipped: (seed, batch, src)
    for net in own:
        flipped = (
            x.scatter(1, torch.full((len(x), 1), t), 1 - x[:, t : t + 1])
            for t in range(T)
        )
        flips.append(
            torch.stack([(net(f)[0] - net(x)[0]).abs() for f in flipped], dim=1)
        )
same_ = (torch.stack(flips).argmax(dim=2) == maps.argmax(dim=2)).float().mean(dim=1)
by_chance_ = 1 / T
assert most.min() > 2 / T and min(apart) > 0.4 and same_.max() < 0.3
say(f"""
Own weights {spread(found[:, 0])}; uniform at test {spread(found[:, 1])}; trained with uniform ones {spread(found[:, 2])}. Whoever takes the
weights away loses next to nothing. Yet the maps look as if they said something: the largest weight is on average {most.min() * T:.1f} to
{most.max() * T:.1f} times the uniform one, and seeds agree (correlations {", ".join(f"{v:.2f}" for v in apart)}). *That seeds agree is no
proof either*: by construction all digits count alike.

So before you read a map, put uniform weights in. If something is lost, ask the finer question: does what is looked at matter?
Take it away, as [below](#take-away). An alignment that passes both may be read.
""")

# %% [markdown]
r"""
## A sequence that asks itself

A sequence can look at itself, too: each step asks all steps, with query, key and value three projections of the same
$\mathbf x$. That is **self-attention**,

$$
\operatorname{softmax}\!\left(\frac{Q K^\top}{\sqrt d}\right) V , \qquad Q = X W_Q, \quad K = X W_K, \quad V = X W_V .
$$ (self-attention)

No recurrence is left: any two steps are one product apart, and all are computed at once. Gone with it is the *order*.

(example-4-8)=
**Example 4.8: blind to order.** Shuffle the steps, and the outputs are shuffled likewise, no more. "Which of the two marks
came first?" can't be answered until each step is told where it is: Vaswani and others (2017) add sines and cosines of
different speeds, like the hands of a clock.
"""

# %% tags=["example"]
# Example 4.8: self-attention without positions, and with them
import torch
from torch import nn

T, size, seeds = 8, 32, range(3)


def positions(T, size):
    angle = torch.arange(T)[:, None] / 10000.0 ** (torch.arange(0, size, 2) / size)
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)  # (time, size)


class Asking(nn.Module):
    def __init__(self, P):
        super().__init__()
        self.table, self.P = nn.Embedding(10, size), P
        self.Q, self.K, self.V = (nn.Linear(size, size, bias=False) for _ in range(3))
        self.head = nn.Sequential(nn.Linear(size, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, x):
        x = self.table(x) + self.P
        e = self.Q(x) @ self.K(x).mT / size**0.5  # each step asks each
        x = x + e.softmax(dim=2) @ self.V(x)
        return self.head(x.mean(dim=1)), x


def batch(rows):
    x, y = torch.randint(2, 10, (rows, T)), torch.randint(2, (rows,))
    at = torch.rand(rows, T).argsort(dim=1)[:, :2].sort(dim=1).values
    return x.scatter(1, at, torch.stack([y, 1 - y], dim=1)), y  # marks 0 and 1


def train(P, seed):
    torch.manual_seed(seed)
    net = Asking(P)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(400):
        x, y = batch(64)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x)[0], y).backward()
        optimizer.step()
    x, y = batch(2000)
    out, order = net(x)[1], torch.randperm(T)
    shuffled = torch.allclose(out[:, order], net(x[:, order])[1], atol=1e-5)
    return net, (net(x)[0].argmax(dim=1) == y).float().mean().item(), shuffled


blind = [train(torch.zeros(T, size), seed) for seed in seeds]
seeing = [train(positions(T, size), seed) for seed in seeds]
assert all(right < 0.6 and shuffled for _, right, shuffled in blind)
assert all(right > 0.7 and not shuffled for _, right, shuffled in seeing)

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur
from unrolled.nn.transformer import positions as theirs

assert torch.allclose(theirs(T, size), positions(T, size), atol=1e-6)
net, x = seeing[0][0], batch(4)[0]
given = net.table(x) + net.P
scaled = ur.DotAttention(scaled=True)
context_, _ = scaled(net.Q(given), net.K(given), net.V(given))
assert torch.allclose(given + context_, net(x)[1], atol=1e-5)

# %% mystnb={"image": {"alt": "Positions as an image: 40 steps across, the 16 sines down, orange below zero and blue above. The upper rows change sign every few steps, lower ones ever more slowly, the lowest hardly at all."}} tags=["hide-input"]
signed = [(0, to_rgba("C1", 1)), (0.5, to_rgba("C1", 0))]
signed += [(0.5, to_rgba("C0", 0)), (1, to_rgba("C0", 1))]
SIGNED = LinearSegmentedColormap.from_list("signed", signed)
fig, ax = plt.subplots(figsize=(6.4, 2.3))
shades = ax.pcolormesh(positions(40, size)[:, ::2].T, cmap=SIGNED, vmin=-1, vmax=1)
shades.set_antialiased(False)
ax.invert_yaxis()
ax.set_yticks([0.5, 15.5], ["fast hand", "slow hand"])
ax.set_xticks(np.arange(0, 40, 10) + 0.5, range(0, 40, 10))
ax.grid(visible=False)
ax.set_xlabel("step")
ax.set_title("What is added to a step: the sines of its positions")
plt.show()

# %% tags=["remove-input"]
without, with_ = (np.array([right for _, right, _ in each]) for each in (blind, seeing))
slow_ = int((with_ < 0.95).sum())
still = f" (of three seeds {slow_} has not got there yet)" if slow_ else ""
say(f"""
Without positions {without.mean():.2f} ± {without.std(ddof=1):.2f} right: a coin, after 400 batches as before the first. With sines
{with_.mean():.2f} ± {with_.std(ddof=1):.2f}{still}. The law of shuffling is the test for it: an encoder meant to read order must *fail* it.
""")

# %% [markdown]
r"""
(example-4-9)=
**Example 4.9: many heads.** One softmax makes one mean. To look at several places, cut query, key and value into $h$ parts,
let each attend on its own, and join the contexts by one more matrix. It costs no more than one head of the full size. By
hand, and equal to `nn.MultiheadAttention`.
"""

# %% tags=["example"]
# Example 4.9: multi-head attention by hand
import torch
from torch import nn

torch.manual_seed(0)
size, heads, src = 16, 4, 7
each = size // heads
torchs = nn.MultiheadAttention(size, heads, batch_first=True)
W_q, W_k, W_v = torchs.in_proj_weight.chunk(3)  # torch keeps the three in one
b_q, b_k, b_v = torchs.in_proj_bias.chunk(3)
W_o, b_o = torchs.out_proj.weight, torchs.out_proj.bias


def multi_head(x, real):
    Q, K, V = x @ W_q.T + b_q, x @ W_k.T + b_k, x @ W_v.T + b_v
    contexts, maps = [], []
    for head in range(heads):
        part = slice(head * each, (head + 1) * each)
        e = Q[..., part] @ K[..., part].mT / each**0.5  # the size of a head
        weights = e.masked_fill(~real[:, None], -torch.inf).softmax(dim=2)
        contexts.append(weights @ V[..., part])
        maps.append(weights)
    return torch.cat(contexts, dim=2) @ W_o.T + b_o, torch.stack(maps, dim=1)


x = torch.randn(2, src, size)
real = torch.arange(src) < torch.tensor([7, 4])[:, None]
output, maps = multi_head(x, real)
how = {"key_padding_mask": ~real, "average_attn_weights": False}  # True: padding!
theirs, their_maps = torchs(x, x, x, **how)
assert torch.allclose(output, theirs, atol=1e-6)
assert torch.allclose(maps, their_maps, atol=1e-6)
assert maps.shape == (2, heads, src, src) and (maps[1, :, :, 4:] == 0).all()

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

library = ur.MultiHeadAttention(size, heads)
library.load_state_dict(torchs.state_dict())
output_, maps_ = library(x, mask=real)  # True: real
assert torch.allclose(output_, output, atol=1e-6)
assert torch.allclose(maps_, maps, atol=1e-6)

# %% [markdown]
r"""
## The bridge to the Transformer

In training all steps of a decoder are computed at once, and step $t$ must not see what it is to write next. A **causal
mask** allows $s \le t$ only. With that, a Transformer's layer is two additions: attention looks elsewhere, a small network
thinks about what was found, and each adds to what is there, as an LSTM's cell does.

(example-4-10)=
**Example 4.10: a block, and no look ahead.** Equal to torch's layer; then the law: change the last step, and nothing before it
may change.
"""

# %% tags=["example"]
# Example 4.10: a Transformer's layer with a causal mask
import torch
from torch import nn

torch.manual_seed(0)
T, size, heads = 9, 16, 4
layer = nn.TransformerEncoderLayer(
    size, heads, 4 * size, dropout=0.0, batch_first=True, norm_first=True
)
own = layer.self_attn
earlier = torch.ones(T, T, dtype=torch.bool).tril()  # True where s ≤ t


def attend(x, mask):
    qkv = nn.functional.linear(x, own.in_proj_weight, own.in_proj_bias)
    q, k, v = qkv.unflatten(2, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    e = q @ k.mT / (size // heads) ** 0.5  # (batch, heads, tgt, src)
    c = e.masked_fill(~mask, -torch.inf).softmax(dim=3) @ v
    return own.out_proj(c.transpose(1, 2).flatten(2))  # heads side by side


def block(x, mask):
    x = x + attend(layer.norm1(x), mask)  # look around
    return x + layer.linear2(layer.linear1(layer.norm2(x)).relu())  # think


x = torch.randn(2, T, size)
assert torch.allclose(block(x, earlier), layer(x, src_mask=~earlier), atol=1e-5)

other = x.clone()
other[:, -1] *= -1.0  # change the future
change = {}
for name, mask in (("causal", earlier), ("none", torch.ones_like(earlier))):
    change[name] = (block(x, mask) - block(other, mask))[:, :-1].abs().max().item()
    print(f"mask {name:6}: earlier steps change by up to {change[name]:.3f}")
assert change["causal"] == 0 and change["none"] > 0.01

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

library = ur.MultiHeadAttention(size, heads)
library.load_state_dict(own.state_dict())
output_, _ = library(layer.norm1(x), causal=True)
assert torch.allclose(output_, attend(layer.norm1(x), earlier), atol=1e-5)

# %% [markdown]
r"""
Stack such blocks, let the decoder's attend to the encoder's as in [Example 4.5](#example-4-5), add positions, and you have
the model of Vaswani and others. The library's is in `src/unrolled/nn/transformer.py`: `ur.Translator(model="transformer")`, or
`--model transformer`.

What did it cost? An RNN carries one state of fixed size. A Transformer that writes keeps the keys and values of *everything*
so far, and every step asks them all: what it keeps grows with the length, and what it computes with the square.

## The circle closes

Can one have both: trained all at once like attention, and run with a state of fixed size? Softmax stands in the way: the
weight $\exp(\mathbf q \cdot \mathbf k)$ needs both at once. Katharopoulos and others (2020) put in its place a product of
features, $\phi(\mathbf q) \cdot \phi(\mathbf k)$ with $\phi(a) = \operatorname{elu}(a) + 1 > 0$. Then the sum can be taken
apart:

$$
\mathbf h_t
= \frac{\sum_{s \le t} \big(\phi(\mathbf q_t) \cdot \phi(\mathbf k_s)\big)\, \mathbf v_s}
       {\sum_{s \le t} \phi(\mathbf q_t) \cdot \phi(\mathbf k_s)}
= \frac{S_t^\top \phi(\mathbf q_t)}{\mathbf z_t \cdot \phi(\mathbf q_t)}, \qquad
\begin{aligned}
S_t &= S_{t-1} + \phi(\mathbf k_t)\, \mathbf v_t^\top , \\
\mathbf z_t &= \mathbf z_{t-1} + \phi(\mathbf k_t) .
\end{aligned}
$$ (linear-attention)

On the left, attention with a causal mask. On the right, a state that is added to at each step, and an output read from it:
*a recurrent network*. The memory that is added to is chapter 2's; here it is a matrix.

(example-4-11)=
**Example 4.11: one network, two forms.** All at once, and step by step: the same outputs, the same gradients.
"""

# %% tags=["example"]
# Example 4.11: linear attention is a recurrent network
import torch
from torch import nn

torch.manual_seed(0)
rows, T, features, d = 2, 50, 3, 8
W = nn.Linear(features, 3 * d, bias=False).double()
x = torch.randn(rows, T, features).double()


def projected(x):
    q, k, v = W(x).chunk(3, dim=-1)
    return nn.functional.elu(q) + 1, nn.functional.elu(k) + 1, v


def as_attention(x):
    q, k, v = projected(x)
    weights = (q @ k.mT).tril()  # (batch, time, time), causal
    return weights / weights.sum(dim=2, keepdim=True) @ v


def as_recurrence(x):
    S, z, steps = x.new_zeros(rows, d, d), x.new_zeros(rows, d), []  # the state
    for x_t in x.unbind(dim=1):
        q, k, v = projected(x_t)
        S = S + k[:, :, None] * v[:, None]  # write: an outer product
        z = z + k
        h = (q[:, None] @ S)[:, 0] / (z * q).sum(dim=1, keepdim=True)  # read
        steps.append(h)
    return torch.stack(steps, dim=1)


gradients = []
for form in (as_attention, as_recurrence):
    W.zero_grad()
    form(x).square().mean().backward()
    gradients.append(W.weight.grad.clone())
assert torch.allclose(as_attention(x), as_recurrence(x))
assert torch.allclose(*gradients)

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur
from unrolled.nn.linear_attention import LinearAttentionCell

library = ur.RNN(LinearAttentionCell, features, d).double()  # as any other cell
library.load_state_dict({"weight_ih_l0": W.weight})
assert torch.allclose(library(x)[0], as_attention(x))
slow = ur.RNN(LinearAttentionCell, features, d, fused=False).double()  # its loop
slow.load_state_dict(library.state_dict())
assert torch.allclose(slow(x)[0], as_recurrence(x))

# %% tags=["remove-input"]
kept = {T_: 2 * T_ * 64 for T_ in (100, 10_000)}
say(f"""
With {64} units a decoder with softmax keeps {kept[100]:,} numbers after 100 steps and {kept[10_000]:,} after 10,000; linear
attention keeps {64 * 64 + 64:,}, always. Chapter 2's [scan](#example-2-11) computes such sums in pieces, too. The library runs
the cell (`src/unrolled/nn/linear_attention.py`) wherever it runs an LSTM. So the circle closes: an
attention whose weights factor is a recurrent network.
""")

# %% [markdown]
"""
## Going further: what a sum can hold (2 minutes)

There is a price, and it is easy to measure without any training.

(example-4-12)=
**Example 4.12: how many pairs fit into the state?** Store $n$ pairs of a random key and a random value, then ask for each by its
own key. Right is an answer that is nearest to the right value. Softmax keeps all keys; the sum keeps $d^2$ numbers.
"""

# %% tags=["example"]
# Example 4.12: what softmax and a sum can hold
import torch

torch.manual_seed(0)
counts, sizes, draws = (4, 8, 16, 32, 64, 128, 256), (16, 32, 64), 20


def share_right(answers, v):
    nearest = torch.cdist(answers, v).argmin(dim=2)
    return (nearest == torch.arange(v.shape[1])).float().mean().item()


def recall(n, d):
    k = torch.nn.functional.normalize(torch.randn(draws, n, d), dim=2)
    v = torch.randn(draws, n, d)
    by_softmax = (30 * k @ k.mT).softmax(dim=2) @ v  # a low temperature
    S = k.mT @ v  # all n pairs in one sum of outer products: φ(a) = a
    return share_right(by_softmax, v), share_right(k @ S, v)


found = {d: torch.tensor([recall(n, d) for n in counts]) for d in sizes}
for d in sizes:
    by_softmax, by_sum = found[d].T
    print(f"d = {d}, the sum:", *(f"{share:.2f}" for share in by_sum))
    assert by_softmax.min() > 0.95  # keeps every pair
    assert by_sum[0] > 0.9 > by_sum[-1]  # keeps few
assert (found[64][4:, 1] > found[16][4:, 1] + 0.2).all()  # a larger state keeps more

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

k, v = torch.randn(1, 32, 64) / 8, torch.randn(1, 32, 64)
context_, _ = ur.DotAttention()(30 * k, k, v)
assert torch.allclose(context_, (30 * k @ k.mT).softmax(dim=2) @ v, atol=1e-4)

# %% mystnb={"image": {"alt": "Share of pairs found again against the number of pairs stored, 4 to 256. Softmax stays at one. The sum falls: with 16 units from about 16 pairs on, with 32 from about 64 on, with 64 only at the end."}} tags=["hide-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.9))
for d, colour in zip(sizes, ("C1", "C4", "C2")):
    ax.semilogx(counts, found[d][:, 1], color=colour, marker="o", markersize=4, base=2)
    ax.text(290, found[d][-1, 1], f"sum, d = {d}", color=colour, va="center")
ax.semilogx(counts, found[64][:, 0], color="C0", marker="o", markersize=4, base=2)
ax.text(290, 1.0, "softmax", color="C0", va="center")
ax.set_xticks(counts, [str(n) for n in counts])
ax.minorticks_off()
ax.set(xlim=(3.6, 700), ylim=(0, 1.08), xlabel="pairs stored")
ax.set_title("Pairs found again")
plt.show()

# %% tags=["remove-input"]
last_ = {d: found[d][-1, 1].item() for d in sizes}
say(f"""
Of {counts[-1]} pairs softmax finds all; the sum finds {last_[16]:.2f} of them with 16 units and {last_[64]:.2f} with 64. What a state
of fixed size holds is bounded: the bottleneck that attention was invented against is back, wider. This is why recurrent models
of today, which train like attention and run like an RNN, work on how the state is *written*: they forget by gates, or correct
what is stored before they add (Schlag, Irie and Schmidhuber 2021).
""")

# %% [markdown]
"""
(take-away)=
## Going further: take away what was looked at (1 minute)

The uniform test asks whether weights matter at all. A finer question for one map: does what has the most weight matter more
than the rest?
"""

# %% tags=["remove-input"]
say(f"""
First the classifiers of [Example 4.7](#example-4-7). Flip one digit at a time, and see how far the answer moves. The step with
the most weight is the one that moves it most in {same_.min():.2f} to {same_.max():.2f} of the rows; by chance it would be
{by_chance_:.2f}. Each state of the GRU has read the whole row: what a weight stands beside is not what the state holds.
""")

# %% [markdown]
"""
Then the translator with attention. Write the reference translation under teacher forcing, and mask one piece of the source at a
time: by how much does the probability of what is written fall?
"""

# %% tags=["remove-input"]
from unrolled.nn.attention import attend


def taken_away(english, japanese):
    """The weights of one sentence, and how far log p of each piece falls without each piece of the source."""
    (read,), (write,) = (
        side.encode_many([text])
        for side, text in zip(translators[0].tokenizers, (english, japanese))
    )
    read, write = torch.tensor([list(read)]), torch.tensor([list(write)])
    memory, state = network.encode(read, torch.tensor([read.shape[1]]))
    before = nn.functional.pad(write[:, :-1], (1, 0), value=1)  # 1: the beginning
    s, _ = network.decoder(network.target(before), state.rnn)
    e, logps = network.attention.scores(s, memory.prepared), []
    for without in (-1, *range(read.shape[1])):
        real = memory.real & (torch.arange(read.shape[1]) != without)
        c, a = attend(e, memory.values, real)
        o = network.combine(torch.cat([c, s], dim=2)).tanh()
        logp = network.project(o).log_softmax(dim=2)
        logps.append(logp.gather(2, write[:, :, None])[0, :, 0])
        if without == -1:
            weights = a[0]
    return weights, logps[0][:, None] - torch.stack(logps[1:], dim=1)  # (tgt, src)


falls, agree, chance_ = {"most": [], "others": []}, [], []
with torch.no_grad():
    for sentence in list(zip(*test_on))[:100]:
        a_, fall = taken_away(*sentence)
        top = a_.argmax(dim=1, keepdim=True)
        falls["most"] += fall.gather(1, top)[:, 0].tolist()
        rest = fall.scatter(1, top, 0.0).sum(dim=1) / (fall.shape[1] - 1)
        falls["others"] += rest.tolist()
        agree += (fall.argmax(dim=1) == top[:, 0]).tolist()
        chance_ += [1 / fall.shape[1]] * len(top)
most_, others_ = np.mean(falls["most"]), np.mean(falls["others"])
assert most_ > 3 * abs(others_) and 2 * np.mean(chance_) < np.mean(agree) < 0.9
say(f"""
Over {len(agree):,} pieces of {100} test sentences the log-probability falls by {most_:.2f} if the piece with the most weight is masked, and by
{abs(others_):.2f} on average if another one is. In {100 * np.mean(agree):.0f}% of the steps the piece with the most weight is also the one whose loss hurts
most; by chance it would be {100 * np.mean(chance_):.0f}%. So here the map tells something of what the network uses, and is far from telling
all. Mind what this doesn't show: what is masked is a state of the encoder, and its neighbours have read the same word.
""")

# %% [markdown]
r"""
## Summary

- Attention is a soft look-up {eq}`attention`: scores, softmax over the keys, a weighted mean of the values. The scores
  {eq}`scores` differ in what they compare; scale dot products by $\sqrt d$.
- A mask comes before softmax. Its tests: padded further, nothing changes; the future changed, nothing before it changes.
- On reversing, attention kept what one vector lost, beyond the lengths of training; on English to Japanese it won by more than
  chance on two seeds, equally tuned.
- A map is a claim. Put uniform weights in, take away what was looked at; then read it.
- Self-attention {eq}`self-attention` is blind to order until positions are added. With heads, a causal mask and a small network
  it is a Transformer's layer.
- With a product of features in place of softmax, attention *is* a recurrent network {eq}`linear-attention`.

## Quiz

<details class="quiz"><summary>1. Weights are set to 0 on padding after softmax. What is wrong?</summary>

The others don't add up to one: each row's sum depends on how much padding it has beside it. Set scores to $-\infty$ before.

</details>
<details class="quiz"><summary>2. Scores of shape (batch, tgt, src): over which axis does softmax go, and which test finds the
other one?</summary>

Over src, the last. Over tgt, weights depend on steps that are yet to be written: writing word by word differs from the pass with
teacher forcing.

</details>
<details class="quiz"><summary>3. A classifier does as well with uniform weights. What may you say of its map?</summary>

That it isn't needed for the answer. Not that attention never explains: run the test for each model and task.

</details>
<details class="quiz"><summary>4. You shuffle the words of a sentence and a self-attention encoder's pooled output stays the same. Why?</summary>

It has no positions: outputs are shuffled like inputs, and their mean doesn't change.

</details>
<details class="quiz"><summary>5. What does linear attention keep after a thousand steps, and what does it lose against softmax?</summary>

A matrix and a vector, as after one step. It can't hold more pairs than its size allows, while softmax keeps every key.

</details>

## References

- D. Bahdanau, K. Cho, Y. Bengio (2015). Neural machine translation by jointly learning to align and translate. *ICLR*.
  <a href="https://arxiv.org/abs/1409.0473">arXiv:1409.0473</a>
- K. Cho and others (2014). Learning phrase representations using RNN encoder-decoder for statistical machine translation.
  *EMNLP*. <a href="https://arxiv.org/abs/1406.1078">arXiv:1406.1078</a>
- M.-T. Luong, H. Pham, C. D. Manning (2015). Effective approaches to attention-based neural machine translation. *EMNLP*.
  <a href="https://arxiv.org/abs/1508.04025">arXiv:1508.04025</a>
- A. Vaswani and others (2017). Attention is all you need. *NeurIPS*.
  <a href="https://arxiv.org/abs/1706.03762">arXiv:1706.03762</a>
- P. Koehn (2004). Statistical significance tests for machine translation evaluation. *EMNLP*.
  <a href="https://aclanthology.org/W04-3250/">W04-3250</a>
- S. Jain, B. C. Wallace (2019). Attention is not explanation. *NAACL*.
  <a href="https://arxiv.org/abs/1902.10186">arXiv:1902.10186</a>
- S. Wiegreffe, Y. Pinter (2019). Attention is not not explanation. *EMNLP*.
  <a href="https://arxiv.org/abs/1908.04626">arXiv:1908.04626</a>
- A. Katharopoulos, A. Vyas, N. Pappas, F. Fleuret (2020). Transformers are RNNs: fast autoregressive transformers with linear
  attention. *ICML*. <a href="https://arxiv.org/abs/2006.16236">arXiv:2006.16236</a>
- I. Schlag, K. Irie, J. Schmidhuber (2021). Linear transformers are secretly fast weight programmers. *ICML*.
  <a href="https://arxiv.org/abs/2102.11174">arXiv:2102.11174</a>
"""

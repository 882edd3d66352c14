# %% [markdown]
"""
# Chapter 4: Attention mechanism

A network that translates reads the whole sentence, keeps one vector, and writes from memory. People don't: they look
back at the source, now here, now there. This chapter lets a network look back. You score, mask and read attention by
hand, measure what it is worth, ask what its map explains, and end where the book began: at a recurrent network.

:::{admonition} This chapter at a glance
:class: card

Difficulty
: intermediate

Time
: 25 minutes: 22 to read text and examples at 200 words a minute, 3 to run them

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
: chapters 1 and 2, or: states, gates, padding; from chapter 3: encoder, decoder, teacher forcing
:::

Every example below is complete: copy it into an empty file and it runs. Each asserts what it claims, and a folded cell
after it holds it against the library. Numbers in the text are taken from the run that made this page.
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
gets the last of them, and everything it will ever need must be in there. With attention it gets *all* of them, and at
each step $t$ asks: which matter now? It compares its own state, the **query** $\mathbf q_t$, with each **key**
$\mathbf k_s$. That gives **scores** $e_{ts}$. Softmax turns them into **weights** $\alpha_{ts}$, positive and one in all.
The weighted mean of the **values** $\mathbf v_s$ is the **context**:

$$
\alpha_{ts} = \frac{\exp e_{ts}}{\sum_{s'} \exp e_{ts'}}, \qquad
\mathbf c_t = \sum_s \alpha_{ts} \mathbf v_s .
$$ (attention)

In a translator keys and values are both the encoder's states. Bahdanau, Cho and Bengio (2015) did this first.
The mean is soft so that it has a gradient: nobody tells the network where to look, it learns it from the loss.
"""

# %% mystnb={"image": {"alt": "Five encoder states in a row below, over the words my, brother, bought, two, books. Above, one decoder state asks. Five lines run up from the states to a plus sign, as thick as their weights: the line from books is by far the thickest. From the plus sign the context goes to the decoder state."}} tags=["remove-input"]
fig, ax = plt.subplots(figsize=(6.4, 2.9))
ax.set(xlim=(-0.8, 8.6), ylim=(-0.75, 3.6), aspect="equal")
ax.axis("off")
words = "my", "brother", "bought", "two", "books"
shares = 0.03, 0.05, 0.12, 0.2, 0.6
for s, (word, share) in enumerate(zip(words, shares)):
    x = 1.4 * s
    ax.plot((x, 2.8), (0.36, 2.36), color="C0", linewidth=14 * share, alpha=0.75)
    ax.add_patch(Circle((x, 0), 0.36, facecolor="none", edgecolor="C0", linewidth=1.8))
    ax.text(x, 0, f"$h_{s + 1}$", ha="center", va="center", color="C0", fontsize=10)
    ax.text(x, -0.68, word, ha="center", color=MUTED, fontsize=10)
ax.text(5.15, 1.35, "as thick as its weight", color="C0", fontsize=10)
ax.add_patch(
    Circle((2.8, 2.65), 0.3, facecolor="none", edgecolor="C2", linewidth=1.8)
)
ax.text(2.8, 2.65, "+", ha="center", va="center", color="C2")
ax.annotate(
    "",
    (6.3, 2.65),
    (3.1, 2.65),
    arrowprops={"arrowstyle": "-|>", "color": "C2", "linewidth": 1.8},
)
ax.text(4.7, 2.9, "the context $c_t$", ha="center", color="C2", fontsize=10)
ax.add_patch(
    Circle((6.7, 2.65), 0.4, facecolor="none", edgecolor="C1", linewidth=1.8)
)
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
    shown = " ".join(f"{w:.2f}" for w in weights)
    print(f"asks {strength:4.0f} × key 2: weights {shown}, context {context.tolist()}")
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

What makes a key fit a query? Four answers are in use. With $W$, $U$ and $\mathbf v$ learnt:

$$
\begin{aligned}
e_{ts} &= \mathbf q_t \cdot \mathbf k_s & &\text{dot (Luong, Pham and Manning 2015),} \\
e_{ts} &= \mathbf q_t \cdot \mathbf k_s / \sqrt{d} & &\text{scaled dot (Vaswani and others 2017),} \\
e_{ts} &= \mathbf q_t \cdot W \mathbf k_s & &\text{general (Luong, Pham and Manning 2015),} \\
e_{ts} &= \mathbf v \cdot \tanh(W \mathbf q_t + U \mathbf k_s) & &\text{additive (Bahdanau, Cho and Bengio 2015).}
\end{aligned}
$$ (scores)

The dot product is one matrix product for all steps and has no weights, but needs queries and keys of one size, in one
language. *General* translates between two. *Additive* is a small network that may learn any comparison, and has to make a
tensor of all pairs.

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
    print(f"{name:10}", *(f"{w:.2f}" for w in e.softmax(dim=1)[0]))

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

general, additive = ur.GeneralAttention(d, d), ur.AdditiveAttention(d, d, hidden)
general.load_state_dict({"weight.weight": G})
additive.load_state_dict(
    {"query.weight": W, "key.weight": U, "score.weight": v[None]}
)
kinds = {"general": general, "additive": additive, "dot": ur.DotAttention()}
kinds["scaled-dot"] = ur.DotAttention(scaled=True)
for name, attention in kinds.items():
    context_, weights_ = attention(Q[None], K[None])
    assert torch.allclose(weights_[0], every[name].softmax(dim=1), atol=1e-5)
    assert torch.allclose(context_[0], every[name].softmax(dim=1) @ K, atol=1e-5)

# %% [markdown]
r"""
### Scale and temperature

Why $\sqrt d$? A dot product of two vectors of $d$ independent numbers of variance 1 is a sum of $d$ terms, so its variance
is $d$. Large scores make softmax all but a choice of one. And where one weight is 1, no gradient comes back:
$\partial \alpha_s / \partial e_s = \alpha_s (1 - \alpha_s)$.

(example-4-3)=
**Example 4.3: how softmax hardens** with the size, and how the scale keeps it soft. Ten keys, all random: there is
nothing to be found in them.
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
    place = ((1.25, 0.93), (1.3, 0.55), (3.1, 0.23))[n]
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
{slope["scaled", 1024]:.2f} at any size. To divide scores by a number $\\tau$ is to set the **temperature** of softmax: low, and it
picks; high, and it averages.
""")

# %% [markdown]
r"""
### Masks

Rows of a batch are padded, and padding has keys too. A **mask** says which are real. It belongs *before* softmax: a score
of $-\infty$ becomes a weight of exactly 0, and the others still add up to one.

(example-4-4)=
**Example 4.4: padding gets nothing.** The law to test is simple: a row in a batch gives what it gives alone. Two traps
beside it: a weight of 0 doesn't stop a NaN, and a row with nothing real has no softmax.
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
print("sums of the late mask:", *(f"{w:.2f}" for w in late_weights.sum(dim=2)[:, 0]))

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
**Example 4.5: read backwards.** A row of symbols comes in and is to be written in reverse. The symbols are random, so
there is nothing to guess. The encoder is a GRU in two directions, the decoder a GRU with teacher forcing, the score a dot
product. Rows of a batch are of one length, so this time there is no padding. Nobody says where to look.
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

Now the rows of a batch have different lengths, from 2 to 12, and are padded. Choose how scores become weights. Each network
is trained anew and tested three times on the same rows: *as in training*; with *30 more steps of padding*; and *word by
word*, where the decoder reads what it wrote itself. The map is that of a row of six.
"""

# %% tags=["remove-cell"]
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

WEIGHS = {
    "masked softmax": lambda e, real: e.masked_fill(~real, -torch.inf).softmax(dim=2),
    "no mask": lambda e, real: e.softmax(dim=2),
    "mask after softmax": lambda e, real: e.softmax(dim=2) * real,
    "softmax over the wrong axis": lambda e, real: (
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
        tests = share_right(z, y), share_right(net(further, y, n)[0], y)
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
        f"Right as in training: **{tests[0]:.2f}**; padded by 30 more: **{tests[1]:.2f}**; word by word: "
        f"**{tests[2]:.2f}**. The rows of the map add up to {sums.min():.2f} to {sums.max():.2f}."
    )


# %% tags=["remove-input", "switch"] switch="Weights: masked softmax" mystnb={"image": {"alt": "Masked before softmax: the six rows walk back from the sixth column to the first; the columns of padding are empty"}}
mask_switch("masked softmax")

# %% tags=["remove-input", "switch"] switch="Weights: no mask" mystnb={"image": {"alt": "No mask: the rows walk back as well, paler at places, and the columns of padding have a faint tint"}}
mask_switch("no mask")

# %% tags=["remove-input", "switch"] switch="Weights: mask after softmax" mystnb={"image": {"alt": "Mask after softmax: the rows walk back, the columns of padding are empty"}}
mask_switch("mask after softmax")

# %% tags=["remove-input", "switch"] switch="Weights: over the wrong axis" mystnb={"image": {"alt": "Softmax over the steps that are written instead of those that are read"}}
mask_switch("softmax over the wrong axis")

# %% tags=["remove-input"]
for name, row in masks.items():
    print(name, [round(v, 3) for v in row])
say("TODO")

# %% [markdown]
r"""
## With attention and without

What is it worth? Without attention the same network gets the encoder's last states as its context, at every step, as in Cho
and others (2014). A third arm has *uniform* weights: it sees all states, but can't choose.

(example-4-6)=
**Example 4.6: three ways to look back, by length.** All have the same weights to learn and the same 250 batches; for each the
learning rate is chosen from the same three, by short runs; then three seeds. Lengths above 12 were never trained on.
"""

# %% tags=["example"]
# Example 4.6: attention, uniform weights, or the last state alone
import torch
from torch import nn
from torch.nn.functional import cross_entropy, pad

hidden, lengths, seeds = 48, (4, 8, 12, 16, 20), range(3)
ways, rates = ("attention", "uniform", "none"), (3e-3, 1e-2, 3e-2)


class Reverser(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.source, self.target = nn.Embedding(10, hidden), nn.Embedding(11, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.decoder = nn.GRU(hidden, hidden, batch_first=True)
        self.combine, self.output = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, 11)
        self.way = way

    def forward(self, x, y):
        h, last = self.encoder(self.source(x))
        s, _ = self.decoder(self.target(pad(y[:, :-1], (1, 0), value=10)), last)
        e = s @ h.mT * (self.way == "attention")  # scores of 0: all are alike
        c = h[:, -1:].expand_as(s) if self.way == "none" else e.softmax(dim=2) @ h
        return self.output(self.combine(torch.cat([c, s], dim=2)).tanh())


def tried(net, length, rows=64):
    x = torch.randint(10, (rows, length))
    z, y = net(x, x.flip(1)), x.flip(1)
    return cross_entropy(z.mT, y), (z.argmax(dim=2) == y).float().mean().item()


def train(way, rate, seed, steps=250):
    torch.manual_seed(seed)
    net = Reverser(way)
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        tried(net, int(torch.randint(2, 13, ())))[0].backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
    return net


best, nets, right = {}, {}, {}
for way in ways:
    short = {rate: tried(train(way, rate, 9, 80), 8, 500)[0].item() for rate in rates}
    best[way] = min(short, key=short.get)
    nets[way] = [train(way, best[way], seed) for seed in seeds]
    scores = [[tried(net, n, 500)[1] for n in lengths] for net in nets[way]]
    right[way] = torch.tensor(scores)  # (seed, length)
assert right["attention"][:, 2:].min() > right["none"][:, 2:].max() + 0.1

# %% tags=["check", "hide-input"] mystnb={"code_prompt_show": "Show how it is held against the library"}
import unrolled as ur

sizes_ = {"embedding": hidden, "hidden": hidden, "tied": False, "bidirectional": False}
x = torch.randint(10, (4, 9))
y = x.flip(1)
for way, attention in (("attention", "dot"), ("none", None)):
    for net in nets[way]:
        library = ur.Seq2Seq(ur.GRUCell, 10, 11, attention=attention, **sizes_)
        library.load_state_dict(net.state_dict())
        said, _ = library(x, torch.full((4,), 9), pad(y[:, :-1], (1, 0), value=10))
        assert torch.allclose(library.project(said), net(x, y), atol=1e-4)

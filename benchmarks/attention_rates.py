"""The learning rate that each arm of ``attention`` is given: BLEU on dev by learning rate, one seed, greedy search.

DEV_BLEU in attention.py is what was measured so; a note says whether the rates that are taken there are still the best.
"""

from benchmarks._measure import Figure, Result
from benchmarks.attention import ARMS, DEV_BLEU, EPOCHS, HIDDEN, best_rate, data, fitted

SEED = 9  # none of those that are tested


def run(quick: bool = False) -> Result:
    name, train, dev, _ = data(quick)
    figures, notes = [], []
    for arm, attention in ARMS.items():
        rates = list(DEV_BLEU[arm])[: 1 if quick else None]
        bleu = {rate: fitted(attention, rate, SEED, train, dev, quick).score(*dev, beam=1).value() for rate in rates}
        figures += [Figure(f"{name}, {arm}: dev BLEU at rate {rate:g}", "BLEU", [bleu[rate]]) for rate in rates]
        notes.append(f"{arm}: best at {best_rate(bleu):g}; attention.py takes {best_rate(DEV_BLEU[arm]):g}")
    return Result(figures, seeds=[SEED], settings={"epochs": EPOCHS, "hidden": HIDDEN, "batch_size": 32}, notes=notes)

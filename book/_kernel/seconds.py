"""Runs in the kernel of every page: writes a line of JSON a cell, what it took in seconds of CPU, and what a fixed piece
of work took right after it. Seconds divided by that compare between machines, and between an idle one and a busy one."""


def watch() -> None:
    import hashlib
    import json
    import os
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

    import numpy as np
    from IPython import get_ipython

    at = [0.0]

    def cpu() -> float:
        """Seconds of CPU so far, those of finished subprocesses included."""
        return sum(
            used.ru_utime + used.ru_stime
            for used in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN))
        )

    def unit() -> float:
        """Seconds of CPU for 2,000 steps of a recurrent network, the kind of work that the pages do."""
        U = np.eye(64, dtype=np.float32)
        h = np.ones((32, 64), dtype=np.float32)
        begun = cpu()
        for _ in range(2000):
            h = np.tanh(h @ U)
        return cpu() - begun

    def before(info) -> None:
        at[0] = cpu()

    def after(result) -> None:
        seconds, cell = (
            cpu() - at[0],
            hashlib.sha256(result.info.raw_cell.encode()).hexdigest(),
        )
        with open(os.environ["UNROLLED_BOOK_SECONDS"], "a", encoding="utf-8") as lines:
            lines.write(
                json.dumps({"cell": cell, "seconds": seconds, "unit": unit()}) + "\n"
            )

    get_ipython().events.register("pre_run_cell", before)
    get_ipython().events.register("post_run_cell", after)


watch()
del watch  # a page finds no name taken

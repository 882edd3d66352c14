"""For all tests: laws are tried alike on every machine, however busy it is."""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile("unrolled", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unrolled")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the commands that tests start

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE / "nn")]  # damage.py; newcomer.py, as importable as a module of one's own would be

"""For all tests: laws are tried alike on every machine, however busy it is."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("unrolled", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unrolled")

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the commands that tests start

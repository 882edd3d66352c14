"""How much of the calendar trains, validates and tests: one place, since what trains also decides the inputs."""

SHARES = (0.7, 0.1, 0.2)

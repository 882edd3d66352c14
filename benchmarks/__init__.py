"""Measurements of Unrolled against its targets: ``python -m benchmarks [NAME …]``. One file, one idea."""

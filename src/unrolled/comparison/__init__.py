"""Cells against each other, on tasks that show memory and on one's own table."""

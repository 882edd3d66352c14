"""From rows to a panel: targets and what stands beside them, gaps, and what is known when."""

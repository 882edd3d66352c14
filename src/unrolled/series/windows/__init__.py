"""From a panel to what a network trains on: the split in time, scaling, windows."""

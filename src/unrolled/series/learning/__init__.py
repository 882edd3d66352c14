"""Networks that learn from windows: their shape, their losses, training, going on, backtests."""

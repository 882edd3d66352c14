"""What forecasts are worth: baselines, evaluation, significance, intervals."""

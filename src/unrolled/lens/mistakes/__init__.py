"""The parts of `unrolled.check_model`: a batch that is changed, trials on a copy, a file for each kind of mistake."""

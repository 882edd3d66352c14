"""Parallel text to batches and back: corpora, cleaning, parts, tokenizers, batches, scores."""

"""The kinds of tokenizers, one a file."""

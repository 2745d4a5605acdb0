"""Algorithms that turn catalogued data into products; they know nothing of the builder."""

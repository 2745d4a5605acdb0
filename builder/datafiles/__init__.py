"""What the partners' data files say, and whether they are still the same."""

"""From the records of a collection to its files in the wanted tree, those that stand being taken over."""

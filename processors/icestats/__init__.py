"""Sea ice in figures: true areas, concentration, extent, edge, comparison with a reference, and whole campaigns."""

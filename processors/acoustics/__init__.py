"""Passive acoustics: calibrated spectra, band levels and noise statistics of recordings."""

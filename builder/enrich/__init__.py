"""What only the data file itself can tell: header, coverage and references of NetCDF files."""

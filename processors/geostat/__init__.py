"""Geostatistics: from scattered profiles to maps with their uncertainty."""

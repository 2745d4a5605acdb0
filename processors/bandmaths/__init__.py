"""Band maths: a small typed language over the bands of rasters, checked before a pixel is read."""

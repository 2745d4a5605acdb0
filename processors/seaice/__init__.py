"""Sea ice from Sentinel-1 extra-wide-swath scenes: reading, radiometry, geolocation and simulated scenes."""

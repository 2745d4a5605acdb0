"""Where records come from: one adapter per protocol behind the same `Source`."""

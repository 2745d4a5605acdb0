"""Small servers on 127.0.0.1 that stand in for partners, well-behaved and otherwise."""

"""The website: plain STAC dicts in, HTML pages out; nothing here reads the network or the clock."""

"""Opens and cuts out the data that a catalogue describes."""

"""Where the chunks of a file lie, found without reading values, and written in kerchunk's formats."""

"""Collection definitions: the YAML files by which maintainers add partners."""

"""From YAML text to a checked, frozen recipe; every complaint has a line and a column."""

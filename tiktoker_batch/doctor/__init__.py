"""Whether this machine and these accounts can make videos."""

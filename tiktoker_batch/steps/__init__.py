"""One module per kind of step: how it is planned and how it is done."""

"""Recipes made of what other programs leave: TikToker's session folders, MoneyPrinterTurbo's batch files."""

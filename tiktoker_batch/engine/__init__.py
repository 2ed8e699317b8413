"""Runs a plan: order, capacity, retries, interruption. Knows neither providers' wires nor ffmpeg."""

"""From a recipe to a plan: pure functions."""

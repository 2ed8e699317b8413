"""Facts that change often, as data: models, styles, voices, languages."""

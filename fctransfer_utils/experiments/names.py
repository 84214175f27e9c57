"""The names of the studies, for whoever only needs to name one: nothing heavy is imported here."""

STUDIES = ("transfer", "distant", "random", "volume", "dip", "keep", "fc")

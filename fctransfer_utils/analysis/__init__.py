"""Tables in, estimates out: paired effects, intervals, verdicts, and measures on given filters."""

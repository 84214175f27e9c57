"""Networks of numbered layers: built, cut, transplanted, frozen, drawn afresh."""

"""What made the committed tables of notebooks 00 and 07 to 11: long runs, which no notebook repeats in ``read``."""

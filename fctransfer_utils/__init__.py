"""Which layers of a network transfer, and what fully connected layers are for: two papers reproduced."""

__version__ = "0.2.0"

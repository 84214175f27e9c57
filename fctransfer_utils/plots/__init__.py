"""Figures from tidy tables: one style, three kinds, and schemes of networks."""

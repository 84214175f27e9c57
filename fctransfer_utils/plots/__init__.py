"""Figures from tidy tables: one style, four kinds, and schemes of networks."""

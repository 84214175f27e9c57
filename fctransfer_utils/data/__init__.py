"""Labelled images and where they come from."""

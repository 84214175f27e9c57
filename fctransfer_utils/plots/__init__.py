"""Tables in, matplotlib figures out, in one style; nothing is left behind in pyplot."""

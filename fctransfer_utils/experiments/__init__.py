"""A paper's question as a list of runs, the store of their records, and the engine that trains what is missing."""

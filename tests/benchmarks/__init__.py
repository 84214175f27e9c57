"""The speed of this course beside what people would use instead: see ``python -m benchmarks --help``."""

"""Roadworthy: the car around your model."""

__version__ = "0.1.0.dev0"

"""Teach Whisper the words of a trade from nothing but a dictionary."""

__version__ = "0.1.0"

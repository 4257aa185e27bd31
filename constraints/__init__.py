"""Constraints: one file, one question, one small frozen dataclass."""

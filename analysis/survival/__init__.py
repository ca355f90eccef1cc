"""The chapter on how long patients lived."""

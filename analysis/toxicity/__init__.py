"""The chapter on how liver values changed."""

"""The chapter on whether the radiation can explain a different response."""

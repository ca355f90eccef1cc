"""Presentation that knows no study: words for numbers, tables, charts, diagrams, conclusions."""

"""What concerns the published paper: its values, discrepancies, tests, and the ranges it allows. Only here are they known."""

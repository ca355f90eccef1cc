"""Where things lie, for all tests."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared"  # public examples and official cases; tests that need them are skipped without
VIEWS = REPOSITORY / "adapters" / "views"
REFERENCE = REPOSITORY / "tests" / "reference"

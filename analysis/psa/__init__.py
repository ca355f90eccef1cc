"""The chapter on PSA and on published cohorts of other patients."""

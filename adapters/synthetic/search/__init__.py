"""The search for cohorts that give every printed result. A tool of the project; not part of the wheel."""

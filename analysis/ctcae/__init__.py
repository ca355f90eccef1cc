"""CTCAE grades of laboratory values, by table: one CSV per version, never two versions in one grading.

Each line of a table says "grade g applies if the value is above (or below) factor times a reference". The grade is the
highest that applies; it is missing, not 0, where a line that could raise it cannot be judged. Laboratory values alone
show neither transfusion nor symptoms nor grade 5.
"""

from analysis.ctcae.grading import Criteria, grade_frame, grade_value, limits_frame, load_criteria

__all__ = ["Criteria", "grade_frame", "grade_value", "limits_frame", "load_criteria"]

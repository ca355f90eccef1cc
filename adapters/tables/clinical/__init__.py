"""Patients, conditions, procedures, drug lines, lesions and last contact out of the rows."""

"""Views as generated Python code over typed structs: fast, for the functions that most views use."""

"""The page of every single patient: courses, measurements, lists. It draws on the packages of several chapters."""

"""Radiation physics: constants, spectra, ranges, absorbed fractions, radiobiology. Pure."""

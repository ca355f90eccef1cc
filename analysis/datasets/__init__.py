"""Analysis data sets, derived once from the tidy tables: arms, baseline, time to event, windows, scans, lesions."""

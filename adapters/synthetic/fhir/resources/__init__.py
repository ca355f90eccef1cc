"""One module a topic: the resources of one patient, whatever the dialect."""

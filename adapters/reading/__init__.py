"""From records as they arrive to one valid version of each resource, with references resolved."""

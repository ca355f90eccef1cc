"""Laboratory values, lesions and images of the searched patients."""

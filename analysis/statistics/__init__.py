"""Statistical methods: arrays in, numbers out. Pure."""

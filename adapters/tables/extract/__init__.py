"""From resources to rows: views, joins on keys, and the disposition of each resource."""

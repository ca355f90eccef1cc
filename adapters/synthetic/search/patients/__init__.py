"""Who the searched patients are, how they were treated, and how long they lived."""

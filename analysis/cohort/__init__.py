"""The chapter on who was treated: flow, Table 1, eligibility, balance."""

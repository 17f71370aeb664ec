"""Explain: why a SKU was ordered, or not, from what the run that decided has stored. Reads only; see docs/planning.md."""

"""Backtest: the night's SQL in a closed loop over the real year, to see what a policy does before it orders anything."""

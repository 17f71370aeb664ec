"""What would be ordered if: grammar (what may be said), fields (what it may be said of), overlays (the changed inputs as SQL),
scenario (the plan over them), store (results under a name), commands (`./submit.sh what-if`)."""

"""What differs between two plans, and which input made it: lines (the difference itself), parts (which input), pins and
runs (what a run had read and stored), report (text and JSON), commands (`./submit.sh diff`)."""

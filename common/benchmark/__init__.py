"""How fast staging is: the project's way, DuckDB alone and the plain DataFrame way over the same files, side by side."""

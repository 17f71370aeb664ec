"""What a planner looks at: the closed list of codes, the list to work through, and how well spikes are found."""

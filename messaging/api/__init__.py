"""HTTP, and translation only: what is asked goes to a use case, what it answers becomes JSON."""

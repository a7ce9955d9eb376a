"""The clock: what runs although nobody asked."""

"""The clock: what runs when nobody asks."""

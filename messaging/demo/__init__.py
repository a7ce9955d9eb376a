"""A thousand messages through a carrier that misbehaves, and the two ledgers compared at the end."""

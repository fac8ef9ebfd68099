"""Audio as it arrives: its level, and whether somebody speaks. Bytes in, reports out; no socket and no clock."""

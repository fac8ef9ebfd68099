"""Captures of the workspace and what can be measured on them, with Pillow and numpy."""

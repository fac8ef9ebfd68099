"""The handlers of this repository's own routes."""

"""Policies: pure state machines. They do no I/O, know no socket, and are told the time."""

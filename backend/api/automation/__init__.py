"""Actions that are safe to offer to strangers: nothing is written, no program is started, no network is used."""

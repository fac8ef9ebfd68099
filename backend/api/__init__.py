"""One handler module a route; what it knows how to do stands in the package of the same subject, free of any socket."""

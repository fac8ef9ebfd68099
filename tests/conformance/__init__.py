"""The Autobahn cases of RFC 6455, run by ``kosoku`` through the whole gateway."""

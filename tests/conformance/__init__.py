"""The Autobahn cases of RFC 6455 and RFC 7692, run by ``kosoku`` through the whole gateway."""

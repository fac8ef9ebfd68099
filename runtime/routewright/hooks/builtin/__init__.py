"""The plugins that come with the gateway, one a module."""

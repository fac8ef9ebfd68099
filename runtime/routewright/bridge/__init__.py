"""The ZeroMQ bridge between the gateway and its workers: codec, the gateway's end, the worker's end."""

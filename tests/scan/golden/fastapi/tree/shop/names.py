import os

API = "/api"
VERSION = 2
PREFIX = f"{API}/v{VERSION}"
TENANT = os.environ["TENANT"]


class Paths:
    ORDERS = "/orders"
    STOCK = ORDERS + "/stock"

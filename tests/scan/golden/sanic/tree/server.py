from sanic import Blueprint, Sanic

app = Sanic("shop")
feed = Blueprint("feed", url_prefix="/feed", version=1)
prices = Blueprint("prices", url_prefix="/prices")
group = Blueprint.group(prices, url_prefix="/market")


@feed.websocket("/<symbol:str>")
async def symbol(request, ws, symbol): ...


@prices.websocket("/all")
async def all_prices(request, ws):
    while True:
        message = await ws.recv()
        if message.get("event") == "pause":
            return


async def echo(request, ws): ...


app.add_websocket_route(echo, "/echo")
app.add_websocket_route(all_prices, "/echo")
app.blueprint(feed)
app.blueprint(group)

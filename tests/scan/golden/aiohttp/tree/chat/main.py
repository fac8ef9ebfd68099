from aiohttp import web

from . import routes
from .views import Room, live

admin = web.Application()
admin.add_routes([web.get("/live", live)])

table = web.RouteTableDef()


@table.get("/table")
async def at_table(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    return socket


def make():
    app = web.Application()
    routes.setup(app)
    app.add_routes(table)
    app.add_subapp("/admin/", admin)
    app.router.add_resource("/rooms").add_route("GET", Room)
    return app

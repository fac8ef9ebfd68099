import tornado.web
from tornado.options import options
from tornado.websocket import WebSocketHandler


class Base(WebSocketHandler):
    def check_origin(self, origin):
        return True


class Echo(Base):
    def on_message(self, message):
        command = tornado.escape.json_decode(message)["cmd"]
        if command == "echo":
            self.write_message({"cmd": "echoed"})


class Kernel(Base): ...


class Page(tornado.web.RequestHandler): ...


class Forgotten(Base): ...


KERNEL = r"(?P<kernel>\w+-\w+)"


class Server(tornado.web.Application):
    def __init__(self):
        handlers = [
            (r"/", Page),
            (r"/ws/(.*)", Echo),
            (r"/ws/kernels/%s/channels" % KERNEL, Kernel),
            tornado.web.url(r"/echo/?", Echo, name="echo"),
            (options.base + r"/late", Echo),
        ]
        super().__init__(handlers, debug=True)
        self.add_handlers(r".*", [(r"/extra", Echo)])

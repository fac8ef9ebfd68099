from flask import Blueprint, Flask
from flask_sock import Sock

sock = Sock()
api = Blueprint("api", __name__, url_prefix="/api")


@sock.route("/echo")
def echo(ws):
    ws.send(ws.receive())


@sock.route("/feed", bp=api)
def feed(ws): ...


def create_app():
    app = Flask(__name__)
    sock.init_app(app)
    app.register_blueprint(api)
    return app

from . import views


def setup(application):
    application.router.add_get("/", views.index)
    application.router.add_get("/live", views.live)
    application.router.add_view(r"/rooms/{room:\d+}", views.Room)

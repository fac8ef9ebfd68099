from django.urls import path, re_path

from . import consumers

websocket_urlpatterns = [
    re_path(r"^chat/(?P<room>\w+)/$", consumers.Chat.as_asgi()),
    path("chat/lobby/", consumers.Notices.as_asgi()),
]
websocket_urlpatterns += [path("notices/<int:user>/", consumers.Notices.as_asgi())]

import json

from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer


class Base(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()


class Chat(Base):
    async def receive_json(self, content):
        match content["type"]:
            case "chat.send":
                await self.channel_layer.group_send("room", {"type": "chat.message"})
            case "chat.typing" | "chat.seen":
                pass

    async def chat_message(self, event):
        await self.send_json({"type": "chat.message"})


class Notices(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=json.dumps({"type": "notice"}))

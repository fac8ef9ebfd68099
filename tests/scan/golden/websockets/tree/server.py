import asyncio

from websockets.asyncio.server import serve


async def by_path(connection):
    if connection.request.path == "/chat":
        await chat(connection)
    elif connection.request.path in ("/log", "/audit"):
        await connection.send('{"type": "line"}')


async def chat(connection):
    async for message in connection:
        await connection.send(message)


async def main():
    async with serve(by_path, "127.0.0.1", 8765), serve(chat, "127.0.0.1", 8766) as server:
        await server.serve_forever()


asyncio.run(main())

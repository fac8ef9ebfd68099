"""Three modules, one path: each team has prefixed it in its own way."""

from fastapi import FastAPI

from app import screen
from app.unified import router
from app.vision import router as vision_router

app = FastAPI()
app.include_router(vision_router, prefix="/vision")
app.include_router(router)
app.include_router(screen.router, prefix="/ws")

"""``python -m docs.reference``: write the reference pages anew, from the code."""

from pathlib import Path

from docs.reference.pages import pages

FOLDER = Path(__file__).parent.parent


def main() -> None:
    """Write every page, and name those that have changed."""
    for name, text in pages().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"wrote docs/{name}")


if __name__ == "__main__":
    main()

"""``python -m routewright.gateway JSON``: one gateway process (see `routewright.gateway.process`)."""

import sys

from routewright.gateway.process import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

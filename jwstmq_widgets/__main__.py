"""``python -m jwstmq_widgets`` is ``jwstmq``."""

import sys

from jwstmq_widgets.cli import main

if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.worker.hard_of_hearing …`: the command line in a process whose main thread gets no signal.

Another thread gets them, so none interrupts what the main thread waits for: the same as a signal that arrives
just before the main thread begins to wait, but every time.
"""

from __future__ import annotations

import signal
import time
from threading import Thread

from substrack.cli import main

if __name__ == "__main__":
    Thread(target=time.sleep, args=(600,), daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
